// Talks to the server, and puts things right after it was away.
//
// A server that was restarted, or that made room, knows nothing of this page's photo any more. The
// page still has the file and what every filling changed, so it sends them again (`Lost` tells the
// caller to, `main.js` does it) and goes on.

export class Refused extends Error {} // the server says why, in words for the person
export class Away extends Error {} // no answer at all
export class Lost extends Error {} // the server knows nothing of this photo or session

let session = { csrf: "" };

export async function enter() {
  session = await (await request("GET", "/api/session")).json();
  return session;
}

export async function request(method, path, { body, signal, headers = {} } = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      body,
      signal,
      headers: { ...headers, ...(method === "GET" ? {} : { "x-csrf-token": session.csrf }) },
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Away("The server does not answer.");
  }
  if (answer.ok) return answer;
  const words = await answer.json().then((a) => a.error, () => answer.statusText);
  if ([401, 403, 404].includes(answer.status)) throw new Lost(words);
  throw new Refused(words[0].toUpperCase() + words.slice(1) + (/[.!?]$/.test(words) ? "" : "."));
}

export const get = async (path, settings) => (await request("GET", path, settings)).json();
export const post = async (path, body, settings) => (await request("POST", path, { body, ...settings })).json();
export const remove = (path) => request("DELETE", path);

// The packed bits of a mask and where they lie: [bits, left, top, width, height].
export async function bits(path, body, settings) {
  const answer = await request("POST", path, { body, ...settings });
  const box = answer.headers.get("x-box").split(",").map(Number);
  return [new Uint8Array(await answer.arrayBuffer()), ...box];
}

// Sends a file and tells how much of it has gone: fetch cannot.
export function upload(path, file, progress) {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open("POST", path);
    sending.setRequestHeader("x-csrf-token", session.csrf);
    sending.upload.onprogress = (event) => progress(event.loaded / (event.total || 1));
    sending.onerror = () => reject(new Away("The server does not answer."));
    sending.onload = () => {
      let told = {};
      try {
        told = JSON.parse(sending.responseText);
      } catch {
        told.error = sending.statusText;
      }
      if (sending.status < 300) resolve(told);
      else if ([401, 403, 404].includes(sending.status)) reject(new Lost(told.error));
      else reject(new Refused(told.error[0].toUpperCase() + told.error.slice(1) + "."));
    };
    sending.send(file);
  });
}
