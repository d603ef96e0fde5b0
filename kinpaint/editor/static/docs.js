// Shows openapi.json to people.

const spec = await (await fetch("/api/openapi.json")).json();

function element(name, text = "", kind = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function row(...cells) {
  const tr = element("tr");
  tr.append(...cells.map((text) => element("td", text)));
  return tr;
}

function operation(path, method, told) {
  const section = element("section"), head = element("h2"), table = element("table");
  head.append(element("span", method.toUpperCase(), "method"), element("code", path));
  for (const { name, description = "", schema, in: place } of told.parameters ?? []) {
    table.append(row(name, `${place}${schema.enum ? `, ${schema.enum.join(" or ")}` : ""}`, description));
  }
  for (const [type, { schema }] of Object.entries(told.requestBody?.content ?? {})) {
    for (const [name, { description = "" }] of Object.entries(schema.properties ?? { body: schema })) {
      table.append(row(name, type, description));
    }
  }
  for (const [status, answer] of Object.entries(told.responses)) {
    const { description, content = {} } = answer.$ref ? spec.components.responses[answer.$ref.split("/").at(-1)] : answer;
    table.append(row(status, status < "300" ? Object.keys(content).join() : "", description));
  }
  section.append(head, element("p", `${told.summary}.`), table);
  return section;
}

document.getElementById("told").textContent = spec.info.description;
document.getElementById("example").textContent =
  `curl -F image=@photo.jpg -F mask=@mask.png ${location.origin}/api/fill -o photo-filled.jpg`;
for (const tag of spec.tags) {
  const heading = element("h1", tag.description);
  const operations = Object.entries(spec.paths).flatMap(([path, methods]) =>
    Object.entries(methods).filter(([, told]) => told.tags.includes(tag.name)).map(([method, told]) => operation(path, method, told)),
  );
  document.getElementById("paths").append(heading, ...operations);
}
