// The editor: one photo, its mask, its steps; buttons and keys that act on them.

import * as api from "./api.js";
import { Mask } from "./mask.js";
import { Tools } from "./tools.js";
import { View } from "./view.js";

const $ = (id) => document.getElementById(id);
const stage = $("stage");
const view = new View(stage, $("picture"), $("overlay"));
const tools = new Tools(stage, view, $("guides"), $("cursor"), {
  editable: () => Boolean(doc) && !job,
  begin: () => doc.mask.begin(),
  abandon: () => (doc.mask.abandon(), view.drawMask()),
  commit: (label) => commit(label),
  select: (where, takeAway) => select(where, takeAway),
  resize: (factor) => setSize(tools.size * factor),
});

let server = {}; // what /api/session tells
let models = [];
let model = "";
let doc = null; // what is open: { file, photo, mask, root, step, done, undone, saved }
let job = null; // the filling that is going on: { cancelled }
let selection = null; // the object being selected: { keep, remove, box, entry }
let selecting = null; // aborts the request for it
let nextKey = 0;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// ---- saying things

function say(text, wrong = false) {
  const p = document.createElement("p");
  p.textContent = text;
  p.classList.toggle("wrong", wrong);
  $("says").append(p);
  while ($("says").children.length > 3) $("says").firstChild.remove();
  setTimeout(() => p.remove(), Math.max(3500, text.length * 70));
}

// Runs what may be refused, and says why it was.
async function told(action) {
  try {
    return await action();
  } catch (error) {
    if (error.name === "AbortError") return undefined;
    if (!(error instanceof api.Refused)) console.error(error);
    say(error.message || "Something went wrong.", true);
    return undefined;
  }
}

// ---- a server that comes and goes

// Runs a request again once the server is back and knows the photo.
async function steady(action) {
  for (let tries = 0; ; tries++) {
    try {
      return await action();
    } catch (error) {
      if (tries === 4 || !(error instanceof api.Away || error instanceof api.Lost)) throw error;
      if (error instanceof api.Away) await untilBack();
      else await recover();
    }
  }
}

let waiting = null;
function untilBack() {
  waiting ??= (async () => {
    $("away").hidden = false;
    while (!(await fetch("/healthz").then((a) => a.ok, () => false))) await sleep(1000);
    $("away").hidden = true;
    waiting = null;
  })();
  return waiting;
}

// Sends the photo and what the fillings changed to a server that has lost them.
let recovering = null;
function recover() {
  recovering ??= (async () => {
    try {
      server = await api.enter();
      followModels();
      if (!doc) return;
      say("The server was started anew: sending the photo again.");
      const open = doc, again = await send(open.file);
      for (const step of steps(open)) {
        if (!step.parent) {
          step.id = "0";
          continue;
        }
        const [left, top] = step.box;
        const path = `/api/photos/${again.id}/steps/${step.parent.id}/patch?left=${left}&top=${top}`;
        step.id = (await api.post(path, step.patch)).id;
      }
      open.photo.id = again.id;
      view.draw();
    } finally {
      recovering = null;
    }
  })();
  return recovering;
}

// All states that can be gone back or on to, parents first.
function steps({ root, done, undone }) {
  const fills = [...done, ...undone.toReversed()].filter((entry) => entry.kind === "fill");
  return [root, ...fills.flatMap((entry) => entry.choices)];
}

async function watch() {
  for (;;) {
    await sleep(document.hidden ? 15000 : 4000);
    if (waiting || recovering) continue;
    const health = await fetch("/healthz").then((a) => a.json(), () => null);
    if (!health) await untilBack();
    else if (health.started !== server.started) await told(() => steady(recover));
  }
}

// ---- models

let following = false;
async function followModels() {
  if (following) return;
  following = true;
  try {
    for (;;) {
      models = (await api.get("/api/models")).models;
      if (!models.some((m) => m.name === model)) model = models[0].name;
      showModel();
      if (models.find((m) => m.name === model).state !== "loading") break;
      await sleep(700);
    }
  } catch {
    // The watch sees to a server that is away.
  } finally {
    following = false;
  }
}

async function useModel(name) {
  model = name;
  showModel();
  await told(() => steady(() => api.post(`/api/models/${encodeURIComponent(name)}/load`)));
  await followModels();
}

const MODEL_SAYS = { idle: "not loaded", loading: "loading…", ready: "ready", failed: "cannot be loaded" };

function showModel() {
  const current = models.find((m) => m.name === model);
  $("model-name").textContent = current.name;
  $("model-light").dataset.state = current.state;
  $("models-open").title = `Model: ${current.name}, ${MODEL_SAYS[current.state]} (M)`;
  $("models-open").setAttribute("aria-label", `Model: ${current.name}, ${MODEL_SAYS[current.state]}`);
  $("count-label").hidden = !current.draws;
  if (!current.draws) $("count").value = "1";
  const focused = document.activeElement?.dataset?.model;
  $("cards").replaceChildren(...models.map(card));
  if (focused) $("cards").querySelector(`[data-model="${CSS.escape(focused)}"]`)?.focus();
}

function card(one) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.model = one.name;
  button.setAttribute("role", "radio");
  button.setAttribute("aria-checked", String(one.name === model));
  const { parameters, image_size: side, model: network, about, scores } = one.card;
  const facts = [
    network && `network ${network}`,
    parameters && `${(parameters / 1e6).toFixed(1)} million parameters`,
    side && `trained at ${side} pixels`,
    Number.isFinite(scores?.val_psnr_hole) && `${scores.val_psnr_hole.toFixed(1)} dB in the hole when validated`,
    one.draws && "draws several fillings",
  ];
  button.append(
    element("b", one.name),
    element("em", one.kind === "in the box" ? MODEL_SAYS[one.state] : `${one.kind}, ${MODEL_SAYS[one.state]}`),
    element("p", [one.about || about, facts.filter(Boolean).join(", ")].filter(Boolean).join(" ")),
  );
  if (one.problem) button.append(element("p", one.problem, "wrong"));
  button.onclick = () => {
    useModel(one.name);
    $("models").close();
  };
  return button;
}

function element(name, text, kind = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

// ---- opening

const megabytes = (bytes) => Math.round(bytes / 2 ** 20);

async function send(file) {
  $("opening").querySelector("p").textContent = `Sending ${file.name}`;
  return api.upload(`/api/photos?name=${encodeURIComponent(file.name)}`, file, (share) => {
    $("opening").querySelector("progress").value = share;
    if (share === 1) $("opening").querySelector("p").textContent = `Reading ${file.name}`;
  });
}

async function open(file) {
  if (job) return say("A filling is going on: cancel it first.", true);
  if (file.size > server.upload_bytes) {
    return say(`${file.name} has ${megabytes(file.size)} MB; at most ${megabytes(server.upload_bytes)} MB can be sent.`, true);
  }
  if (doc && !doc.saved && doc.done.some((entry) => entry.kind === "fill") && !(await sure())) return;
  const before = doc;
  doc = null;
  $("start").hidden = $("dock").hidden = $("tools").hidden = true;
  $("opening").hidden = false;
  view.close();
  const photo = await told(() => steady(() => send(file)));
  $("opening").hidden = true;
  if (!photo) {
    doc = before;
    if (doc) view.open(doc.photo, doc.mask, doc.root), view.show(doc.step);
    return show();
  }
  if (before) api.remove(`/api/photos/${before.photo.id}`).catch(() => {}); // it is gone later, if not now
  const root = { key: nextKey++, id: "0", parent: null, box: null };
  doc = { file, photo, mask: new Mask(photo.width, photo.height), root, step: root, done: [], undone: [], saved: true };
  selection = null;
  view.open(photo, doc.mask, root);
  setSize(Math.max(36 / view.scale, 2));
  if (photo.note) say(photo.note);
  show();
  stage.focus({ preventScroll: true });
}

function sure() {
  return new Promise((resolve) => {
    $("sure").onclose = () => resolve($("sure").returnValue === "yes");
    $("sure").returnValue = "no";
    $("sure").showModal();
  });
}

async function openSample(name) {
  const picture = await told(() => steady(async () => (await api.request("GET", `/api/samples/${name}`)).blob()));
  if (picture) await open(new File([picture], `${name}.png`, { type: "image/png" }));
}

// ---- edits and history

function commit(label) {
  const edit = doc.mask.commit();
  if (label !== "selection") endSelection();
  if (!edit) return null;
  const entry = { kind: "mask", label, edit };
  push(entry);
  return entry;
}

function push(entry) {
  doc.done.push(entry);
  doc.undone = [];
  show();
}

// Draws into the mask as one edit.
function change(label, draw) {
  if (!doc || job) return;
  doc.mask.begin();
  draw(doc.mask);
  commit(label);
  view.drawMask();
}

function undo() {
  const entry = doc && !job && !tools.cancel() && doc.done.pop();
  if (!entry) return;
  endSelection();
  doc.mask.swap(entry.edit);
  if (entry.kind === "fill") doc.step = entry.before;
  doc.undone.push(entry);
  view.show(doc.step);
  show();
}

function redo() {
  const entry = doc && !job && !tools.cancel() && doc.undone.pop();
  if (!entry) return;
  endSelection();
  doc.mask.swap(entry.edit);
  if (entry.kind === "fill") doc.step = entry.after;
  doc.done.push(entry);
  view.show(doc.step);
  show();
}

// Goes to a state of the strip: the original, or right after a filling.
function goTo(fill) {
  if (!doc || job) return;
  if (fill === null) while (doc.done.length) undo();
  else if (doc.undone.includes(fill)) while (doc.undone.includes(fill)) redo();
  else while (doc.done.includes(fill) && doc.done.at(-1) !== fill) undo();
}

// ---- selecting objects

function endSelection() {
  selection = null;
  selecting?.abort();
  $("clicks").replaceChildren();
}

async function select({ point, box }, takeAway) {
  if (takeAway && !selection) return say("Click the object first; then what does not belong to it.");
  const { width, height } = doc.photo;
  const share = ([x, y]) => [clamp(x / width), clamp(y / height)];
  selection ??= { keep: [], remove: [], box: null, entry: null };
  if (box) selection.box = [...share(box.slice(0, 2)), ...share(box.slice(2))];
  else if (point) (takeAway ? selection.remove : selection.keep).push(share(point));
  await reselect();
}

async function reselect() {
  if (!selection || job) return;
  const wanted = selection, { keep, remove, box } = wanted;
  showClicks();
  selecting?.abort();
  selecting = new AbortController();
  stage.classList.add("waits");
  const { signal } = selecting, body = JSON.stringify({ keep, remove, box, grow: Number($("grow").value) });
  const found = await told(() =>
    steady(() => api.bits(`/api/photos/${doc.photo.id}/steps/${doc.step.id}/select`, body, { signal })),
  );
  if (signal.aborted) return;
  stage.classList.remove("waits");
  if (!found || selection !== wanted) return;
  // A further click makes the outline anew, so what it gave before goes.
  if (wanted.entry && doc.done.at(-1) === wanted.entry) doc.mask.swap(doc.done.pop().edit);
  doc.mask.begin();
  doc.mask.add(...found);
  wanted.entry = commit("selection");
  view.drawMask();
  if (wanted.entry) return;
  if (!keep.length) endSelection(); // else the empty box would bound what is clicked next
  say("Nothing was found there: click again, or drag a box around it.");
}

function showClicks() {
  const { photo } = doc, signs = [];
  for (const [points, sign] of [[selection?.keep ?? [], "M-3 0H3M0 -3V3"], [selection?.remove ?? [], "M-3 0H3"]]) {
    for (const [x, y] of points) {
      const place = view.toStage(x * photo.width, y * photo.height);
      const g = document.createElementNS("http://www.w3.org/2000/svg", "g");
      g.setAttribute("transform", `translate(${place})`);
      for (const [name, attribute, value] of [["circle", "r", "7"], ["path", "d", sign]]) {
        g.appendChild(document.createElementNS(g.namespaceURI, name)).setAttribute(attribute, value);
      }
      signs.push(g);
    }
  }
  $("clicks").replaceChildren(...signs);
}

const clamp = (value) => Math.min(Math.max(value, 0), 1);

// ---- filling

async function fill() {
  if (!doc || job) return;
  tools.cancel();
  endSelection();
  if (doc.mask.isEmpty()) return say("Paint over what should go, or click it with Select; then press Fill.");
  const mine = (job = { cancelled: false });
  show();
  progress("Sending…");
  const open = doc;
  await told(() => steady(() => filled(open, mine)));
  job = null;
  show();
  view.draw();
}

async function filled(open, mine) {
  const before = open.step, count = Number($("count").value) || 1;
  const asked = `model=${encodeURIComponent(model)}&samples=${count}&grow=${$("halos").checked ? "auto" : 0}`;
  const mask = await open.mask.png();
  let now = await api.post(`/api/photos/${open.photo.id}/steps/${before.id}/fill?${asked}`, mask);
  for (let pause = 120; ["waiting", "loading", "running"].includes(now.state); pause = Math.min(pause * 1.3, 600)) {
    if (mine.cancelled) now = await (await api.remove(`/api/jobs/${now.id}`)).json();
    else {
      progress(...inWords(now));
      await Promise.race([sleep(pause), new Promise((resolve) => (mine.wake = resolve))]);
      if (!mine.cancelled) now = await api.get(`/api/jobs/${now.id}`);
    }
  }
  if (now.state === "cancelled") return mine.cancelled ? undefined : say("The filling was stopped.", true);
  if (now.state === "failed") throw new api.Refused(now.problem);
  const choices = await Promise.all(now.steps.map(async ({ id, box }) => {
    const patch = await (await api.request("GET", `/api/photos/${open.photo.id}/steps/${id}/patch`)).blob();
    return { key: nextKey++, id, box, parent: before, patch };
  }));
  open.mask.begin();
  open.mask.clear();
  const entry = { kind: "fill", edit: open.mask.commit(), before, after: choices[0], choices };
  open.step = choices[0];
  open.saved = false;
  push(entry);
  view.show(open.step);
  $("history").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function inWords({ state, ahead, done, total }) {
  if (state === "waiting") return [ahead === 1 ? "1 filling before yours" : `${ahead} fillings before yours`];
  if (state === "loading") return ["The model loads…"];
  return total ? [`${Math.floor((100 * done) / total)} %`, done / total] : ["Filling…"];
}

function progress(text, share = 0) {
  $("progress-text").textContent = text;
  $("progress-text").setAttribute("aria-valuenow", String(Math.round(share * 100)));
  $("progress-text").setAttribute("aria-valuetext", text);
  $("bar-done").style.width = `${share * 100}%`;
}

function cancel() {
  if (!job) return;
  job.cancelled = true;
  progress("Stopping…");
  job.wake?.();
}

// ---- in and out

async function download() {
  if (!doc) return;
  const path = () => `/api/photos/${doc.photo.id}/steps/${doc.step.id}/file`;
  $("download").disabled = true;
  const file = await told(() => steady(async () => (await api.request("GET", path())).blob()));
  $("download").disabled = false;
  if (!file) return;
  save(file, doc.photo.download);
  doc.saved = true;
}

function save(file, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

async function importMask(file) {
  if (!doc || job) return;
  const found = await told(() => steady(() => api.bits(`/api/photos/${doc.photo.id}/mask`, file)));
  if (!found) return;
  change("imported", (mask) => mask.add(...found));
  if (!found[3]) say("The mask is black: white is the hole.");
}

async function exportMask() {
  if (doc) save(await doc.mask.png(), `${doc.photo.name.replace(/\.[^.]*$/, "")}-mask.png`);
}

// ---- what the page shows

function show() {
  const open = Boolean(doc);
  $("start").hidden = open;
  for (const id of ["dock", "tools", "zoom", "about"]) $(id).hidden = !open;
  stage.classList.toggle("open", open);
  stage.classList.toggle("busy", Boolean(job));
  $("fill").hidden = Boolean(job);
  $("progress").hidden = !job;
  for (const id of ["outlines", "clear", "more", "mask-import", "mask-invert"]) $(id).disabled = Boolean(job);
  $("undo").disabled = !open || Boolean(job) || !doc.done.length;
  $("redo").disabled = !open || Boolean(job) || !doc.undone.length;
  for (const id of ["peek", "compare"]) $(id).disabled = !open || doc.step === doc.root;
  if ($("compare").disabled) compare(false);
  $("download").disabled = !open;
  stage.setAttribute("aria-label", open ? `${doc.photo.name}: paint over what should go` : "Photo: open one to begin");
  if (open) {
    $("about-name").textContent = doc.photo.name;
    $("about-size").textContent = `${doc.photo.width} × ${doc.photo.height}`;
  }
  showHistory();
  tools.refresh();
}

function showHistory() {
  const fills = doc ? [...doc.done, ...doc.undone.toReversed()].filter((entry) => entry.kind === "fill") : [];
  $("history").hidden = !fills.length;
  if (!doc) return;
  const latest = doc.done.findLast((entry) => entry.kind === "fill") ?? null;
  const states = [[null, doc.root, "Original"], ...fills.map((entry, k) => [entry, entry.after, `Filling ${k + 1}`])];
  $("history").firstElementChild.replaceChildren(...states.map(([entry, step, label]) => {
    const item = document.createElement("li"), button = thumbnail(step, label);
    if (entry === latest) button.setAttribute("aria-current", "true");
    button.classList.toggle("undone", doc.undone.includes(entry));
    button.onclick = () => goTo(entry);
    item.append(button);
    return item;
  }));
  const choices = doc.done.at(-1) === latest && latest?.choices.length > 1 ? latest.choices : [];
  $("choices").hidden = !choices.length;
  $("choices").replaceChildren(...choices.map((step, k) => {
    const button = thumbnail(step, `Choice ${k + 1}`);
    button.setAttribute("role", "radio");
    button.setAttribute("aria-checked", String(step === doc.step));
    button.onclick = () => {
      latest.after = doc.step = step;
      doc.saved = false;
      view.show(step);
      show();
    };
    return button;
  }));
}

function thumbnail(step, label) {
  const button = document.createElement("button"), image = new Image();
  image.src = `/api/photos/${doc.photo.id}/steps/${step.id}/tiles/${doc.photo.depth}/0/0`;
  image.alt = "";
  button.append(image, label);
  return button;
}

function setTool(name) {
  tools.use(name);
  if (name !== "select") endSelection();
  for (const button of document.querySelectorAll("[data-tool]")) {
    if (button.tagName === "BUTTON") button.setAttribute("aria-pressed", String(button.dataset.tool === name));
  }
  for (const group of document.querySelectorAll("[data-for]")) group.hidden = !group.dataset.for.split(" ").includes(name);
}

function setTakeAway(takeAway) {
  tools.takeAway = takeAway;
  $("add").setAttribute("aria-checked", String(!takeAway));
  $("take-away").setAttribute("aria-checked", String(takeAway));
}

// The slider is logarithmic: from one pixel to half of the photo.
const largest = () => (doc ? Math.max(Math.max(doc.photo.width, doc.photo.height) / 2, 8) : 400);

function setSize(size) {
  tools.size = Math.min(Math.max(size, 1), largest());
  $("size").value = String((1000 * Math.log(tools.size)) / Math.log(largest()));
  const text = `${Math.round(tools.size)} px`;
  $("size-shown").textContent = text;
  $("size").setAttribute("aria-valuetext", text);
  tools.refresh();
}

function compare(on) {
  view.split = on ? 0.5 : null;
  $("compare").setAttribute("aria-pressed", String(on));
  $("divider").hidden = $("originally").hidden = !on;
  if (on) moveDivider(0.5);
  view.draw();
}

function moveDivider(share) {
  view.split = clamp(share);
  $("divider").style.left = `${view.split * 100}%`;
  $("divider").setAttribute("aria-valuenow", String(Math.round(view.split * 100)));
  view.draw();
}

function peek(on) {
  if (!doc || view.peek === on || (on && $("peek").disabled)) return;
  view.peek = on;
  $("originally").hidden = !on && view.split === null;
  view.draw();
}

function setColour(hex) {
  const [red, green, blue] = [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));
  const word = (r, g, b, a) => ((a << 24) | (b << 16) | (g << 8) | r) >>> 0;
  view.colours = [word(red, green, blue, 118), word(255, 255, 255, 235)];
  view.draw();
}

view.onchange = () => {
  const percent = view.scale * 100;
  $("zoom-fit").textContent = `${percent.toFixed(percent < 9.5 ? 1 : 0)} %`;
  if (selection) showClicks();
  tools.refresh();
};

// A tile that does not come: the server is away, or has lost the photo.
view.onlost = () => {
  if (doc && !waiting && !recovering) told(() => steady(() => api.get(`/api/photos/${doc.photo.id}`)));
};

// ---- buttons

const press = (id, action) => $(id).addEventListener("click", action);
press("open", () => $("file").click());
press("start-open", () => $("file").click());
press("download", download);
press("undo", undo);
press("redo", redo);
press("fill", fill);
press("cancel", cancel);
press("clear", () => change("cleared", (mask) => mask.clear()));
press("outlines", () => change("outlines", (mask) => mask.fillOutlines()));
press("mask-invert", () => change("inverted", (mask) => mask.invert()));
press("mask-import", () => $("mask-file").click());
press("mask-export", exportMask);
press("add", () => setTakeAway(false));
press("take-away", () => setTakeAway(true));
press("compare", () => compare(view.split === null));
press("zoom-in", () => view.zoom(1.5));
press("zoom-out", () => view.zoom(1 / 1.5));
press("zoom-fit", () => view.fit());
press("help-open", help);

function help() {
  $("help").showModal();
  $("help").scrollTop = 0; // its focus, at the foot, has scrolled a phone there
}

press("models-open", () => models.length && $("models").showModal());
for (const button of document.querySelectorAll("button[data-tool]")) {
  button.addEventListener("click", () => setTool(button.dataset.tool));
}
// A button pressed by a pointer leaves the keys to the photo.
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button && event.detail && doc && !button.closest("dialog, #menu") && button.id !== "more") stage.focus({ preventScroll: true });
});
press("more", () => menu($("menu").hidden));
function menu(on) {
  $("menu").hidden = !on;
  $("more").setAttribute("aria-expanded", String(on));
  if (on) $("menu").querySelector("button").focus();
}
document.addEventListener("pointerdown", (event) => event.target.closest("#menu, #more") || menu(false));
$("menu").addEventListener("click", (event) => event.target.closest("button") && menu(false));
for (const name of ["pointerdown", "pointerup", "pointerleave", "pointercancel"]) {
  $("peek").addEventListener(name, () => peek(name === "pointerdown"));
}
$("size").addEventListener("input", () => setSize(largest() ** ($("size").value / 1000)));
$("grow").addEventListener("input", () => ($("grow-shown").textContent = `${$("grow").value} px`));
$("grow").addEventListener("change", () => reselect());
$("colour").addEventListener("input", () => setColour($("colour").value));
$("file").addEventListener("change", () => {
  const [file] = $("file").files;
  $("file").value = "";
  if (file) open(file);
});
$("mask-file").addEventListener("change", () => {
  const [file] = $("mask-file").files;
  $("mask-file").value = "";
  if (file) importMask(file);
});
$("divider").addEventListener("pointerdown", (event) => $("divider").setPointerCapture(event.pointerId));
$("divider").addEventListener("pointermove", (event) => {
  if (!$("divider").hasPointerCapture(event.pointerId)) return;
  const box = stage.getBoundingClientRect();
  moveDivider((event.clientX - box.left) / box.width);
});
for (const dialog of document.querySelectorAll("dialog")) {
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close()); // beside it
}

// ---- drop and paste

const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
let drags = 0;
document.addEventListener("dragenter", (event) => {
  if (hasFiles(event)) $("dropping").hidden = !++drags;
});
document.addEventListener("dragleave", (event) => {
  if (hasFiles(event)) $("dropping").hidden = !(drags = Math.max(drags - 1, 0));
});
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  $("dropping").hidden = true;
  drags = 0;
  const [file] = event.dataTransfer.files;
  if (file) open(file);
});
document.addEventListener("paste", (event) => {
  const file = [...event.clipboardData.files][0];
  if (!file) return say("There is no picture in the clipboard.");
  event.preventDefault();
  // What is pasted from a program is called image.png by every browser.
  open(file.name === "image.png" ? new File([file], "pasted.png", { type: file.type }) : file);
});

// ---- keys

const TOOL_KEYS = { b: "brush", e: "eraser", r: "rectangle", l: "lasso", s: "select", h: "pan" };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const ACTIONS = {
  "[": () => setSize(Math.min(tools.size / 1.15, Math.ceil(tools.size) - 1)),
  "]": () => setSize(Math.max(tools.size * 1.15, Math.floor(tools.size) + 1)),
  "+": () => view.zoom(1.25),
  "=": () => view.zoom(1.25),
  "-": () => view.zoom(0.8),
  0: () => view.fit(),
  1: () => view.photo && view.zoom(1 / view.scale / devicePixelRatio),
  "?": help,
  i: () => $("outlines").click(),
  delete: () => $("clear").click(),
  backspace: () => $("clear").click(),
  c: () => $("compare").click(),
  m: () => $("models-open").click(),
  escape: () => escape(),
};

function escape() {
  if (!$("menu").hidden) menu(false), $("more").focus();
  else if (tools.cancel()) view.drawMask();
  else if (job) cancel();
  else if (selection) endSelection();
  else if (view.split !== null) compare(false);
}

document.addEventListener("keydown", (event) => {
  const { target } = event, key = event.key.toLowerCase(), control = event.ctrlKey || event.metaKey;
  if (document.querySelector("dialog[open]")) return;
  if (control && !event.altKey) {
    const wanted = { z: event.shiftKey ? redo : undo, y: redo, o: () => $("file").click(), s: download }[key];
    if (!wanted) return;
    event.preventDefault();
    wanted();
    return;
  }
  if (control || event.isComposing) return;
  const slides = target.matches("input[type=range], select, #divider, [type=color]");
  if (target === $("divider") && (key === "arrowleft" || key === "arrowright")) {
    event.preventDefault();
    return moveDivider(view.split + (key === "arrowleft" ? -0.02 : 0.02));
  }
  if (event.key in ARROWS) {
    if (target.closest("#menu")) return moveInMenu(event);
    if (slides || !doc || !stage.contains(target)) return;
    event.preventDefault();
    tools.movePen(...ARROWS[event.key], event.shiftKey);
  } else if (event.key === " ") {
    if (target.matches("button, select")) return;
    event.preventDefault();
    tools.space = true;
    stage.classList.add("moving");
  } else if (event.key === "Enter") {
    if (!target.matches("button, select, a")) fill();
  } else if (event.altKey) {
    return;
  } else if (key in TOOL_KEYS) {
    if (doc) setTool(TOOL_KEYS[key]);
  } else if (key === "o") {
    peek(true);
  } else if (key === "p") {
    if (doc && stage.contains(target)) say(tools.pressPen(tools.takeAway) ? "Pen down" : "Pen up");
  } else if (key in ACTIONS) {
    event.preventDefault();
    ACTIONS[key]();
  }
});
document.addEventListener("keyup", (event) => {
  if (event.key === " ") {
    tools.space = false;
    stage.classList.remove("moving");
  } else if (event.key.toLowerCase() === "o") peek(false);
});
addEventListener("blur", () => {
  tools.space = false;
  stage.classList.remove("moving");
  peek(false);
});
addEventListener("beforeunload", (event) => {
  if (doc && !doc.saved) event.preventDefault();
});

function moveInMenu(event) {
  const items = [...$("menu").querySelectorAll("button:not(:disabled), input")];
  const at = items.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
  event.preventDefault();
  items[(at + items.length) % items.length].focus();
}

// ---- begin

setColour($("colour").value);
setTool("brush");
for (let k = 1; k <= 6; k++) $("count").add(new Option(k));

(async () => {
  server = await steady(api.enter);
  $("limits").textContent = `${server.formats.join(", ")}, up to ${megabytes(server.upload_bytes)} MB and ${server.max_pixels / 1e6} megapixels. Photos stay on this server's disk while they are worked on, and are removed afterwards.`;
  $("file").accept = `image/*,${server.suffixes.join(",")}`;
  $("samples").replaceChildren(...server.samples.map((name) => {
    const button = document.createElement("button"), image = new Image();
    image.src = `/api/samples/${name}`;
    image.alt = `Sample: ${name}`;
    button.append(image);
    button.onclick = () => openSample(name);
    return button;
  }));
  followModels();
  watch();
  window.kinpaint = { view, tools }; // for the console, and for tests
  document.body.dataset.ready = "true";
})();
