// Pointers, touches and the keyboard's pen, turned into strokes, shapes, clicks and moves.
//
// Everything starts on the stage, so strokes may begin and end beside the photo. One finger draws,
// two move and zoom; the middle button or the space bar moves with any tool in hand.

const DRAG = 5; // pixels that make a click a drag

export class Tools {
  constructor(stage, view, guides, cursor, hooks) {
    Object.assign(this, { stage, view, guides, cursor, hooks });
    this.name = "brush";
    this.size = 40; // of the brush, in pixels of the photo
    this.takeAway = false; // shapes and clicks remove instead of add
    this.space = false;
    this.action = null; // what is going on: { kind, ... }
    this.pointers = new Map();
    this.last = null; // where the last stroke ended, for straight lines
    this.pen = null; // the keyboard's: { x, y, down }
    this.over = null;
    stage.addEventListener("pointerdown", (e) => this.#pointerDown(e));
    stage.addEventListener("pointermove", (e) => this.#pointerMove(e));
    for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, (e) => this.#pointerUp(e));
    stage.addEventListener("pointerleave", () => this.#hover(null));
    stage.addEventListener("wheel", (e) => this.#wheel(e), { passive: false });
    stage.addEventListener("contextmenu", (e) => e.preventDefault());
    stage.addEventListener("auxclick", (e) => e.preventDefault());
    stage.addEventListener("blur", () => this.dropPen());
  }

  use(name) {
    this.cancel();
    this.name = name;
    this.stage.dataset.tool = name;
    this.#hover(this.over);
  }

  // Takes back a stroke that is being drawn; true if there was one.
  cancel() {
    const drawing = this.action && this.action.kind !== "pan" && this.action.kind !== "pinch";
    if (this.action?.stroke) this.hooks.abandon();
    this.action = null;
    if (this.pen) this.pen.down = false;
    this.#guide("");
    return Boolean(drawing);
  }

  // ---- pointers

  #place(event) {
    const box = this.stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  #pointerDown(event) {
    if (event.target.closest("[data-free]") || !this.view.photo) return;
    event.preventDefault();
    this.stage.focus({ preventScroll: true });
    this.dropPen();
    this.stage.setPointerCapture(event.pointerId);
    const at = this.#place(event);
    this.pointers.set(event.pointerId, at);
    if (this.pointers.size === 2) {
      this.cancel();
      this.action = { kind: "pinch", from: this.#pinch() };
    } else if (this.pointers.size > 2) {
      return;
    } else if (event.button === 1 || this.space || this.name === "pan") {
      this.action = { kind: "pan", at };
      this.stage.classList.add("panning");
    } else if (event.button === 0 || event.button === 2 || event.button === 5) {
      const erase = event.button === 5; // the other end of a pen
      this.#down(at, { straight: event.shiftKey, takeAway: event.altKey || event.button === 2, erase });
    }
  }

  #pointerMove(event) {
    const at = this.#place(event);
    if (event.pointerType !== "touch") this.#hover(at);
    if (!this.pointers.has(event.pointerId)) return;
    this.pointers.set(event.pointerId, at);
    const action = this.action;
    if (!action) return;
    if (action.kind === "pinch") {
      const [x, y, distance] = this.#pinch(), [fromX, fromY, before] = action.from;
      this.view.pan(x - fromX, y - fromY);
      this.view.zoom(distance / before, x, y);
      action.from = [x, y, distance];
    } else if (action.kind === "pan") {
      this.view.pan(at[0] - action.at[0], at[1] - action.at[1]);
      action.at = at;
    } else {
      const all = event.getCoalescedEvents?.() ?? [];
      for (const one of all.length ? all : [event]) this.#move(this.#place(one));
    }
  }

  #pointerUp(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    this.stage.classList.remove("panning");
    if (this.action?.kind === "pinch" || this.action?.kind === "pan") {
      this.action = null;
      this.pointers.clear(); // the finger that is left draws nothing
    } else if (event.type === "pointercancel") this.cancel();
    else this.#up(this.#place(event));
  }

  #pinch() {
    const [[ax, ay], [bx, by]] = [...this.pointers.values()];
    return [(ax + bx) / 2, (ay + by) / 2, Math.max(Math.hypot(ax - bx, ay - by), 1)];
  }

  #wheel(event) {
    if (event.target.closest("[data-free]") || !this.view.photo) return;
    event.preventDefault();
    const pixels = event.deltaY * [1, 16, 400][event.deltaMode];
    const [x, y] = this.#place(event);
    if (event.altKey) this.hooks.resize(Math.exp(-pixels / 400));
    else if (event.shiftKey) this.view.pan(-pixels, 0);
    else this.view.zoom(Math.exp(-Math.min(Math.max(pixels, -300), 300) / 400), x, y);
  }

  // ---- the tools themselves, for pointers and keys alike; places are of the stage

  #down(at, { straight = false, takeAway = false, erase = false } = {}) {
    if (!this.hooks.editable()) return;
    const [x, y] = this.view.toPhoto(...at);
    if (this.name === "brush" || this.name === "eraser") {
      const value = this.name === "eraser" || erase || takeAway ? 0 : 1;
      const [fromX, fromY] = straight && this.last ? this.last : [x, y];
      this.action = { kind: "stroke", stroke: true, value, x, y };
      this.hooks.begin();
      this.view.mask.stroke(fromX, fromY, x, y, this.size / 2, value);
      this.view.drawMask();
    } else {
      const kind = this.name;
      this.action = { kind, from: at, points: [[x, y]], takeAway: takeAway || this.takeAway };
    }
  }

  #move(at) {
    const action = this.action;
    if (!action) return;
    const [x, y] = this.view.toPhoto(...at);
    if (action.kind === "stroke") {
      this.view.mask.stroke(action.x, action.y, x, y, this.size / 2, action.value);
      Object.assign(action, { x, y });
      this.view.drawMask();
    } else if (action.kind === "lasso") {
      action.points.push([x, y]);
      this.#guide(action.points.map(([px, py], k) => `${k ? "L" : "M"}${this.view.toStage(px, py)}`).join("") + "Z");
    } else if (["rectangle", "select"].includes(action.kind)) {
      const [ax, ay] = action.from, [bx, by] = at;
      action.dragged ||= Math.hypot(bx - ax, by - ay) > DRAG;
      if (action.dragged) this.#guide(`M${ax} ${ay}H${bx}V${by}H${ax}Z`);
    }
  }

  #up(at) {
    const action = this.action;
    this.action = null;
    if (!action) return;
    const [x, y] = this.view.toPhoto(...at), value = action.takeAway ? 0 : 1;
    this.#guide("");
    if (action.kind === "stroke") {
      this.last = [x, y];
      this.hooks.commit(action.value ? "stroke" : "erased");
    } else if (action.kind === "lasso" && action.points.length > 2) {
      this.hooks.begin();
      this.view.mask.polygon(action.points, value);
      this.hooks.commit("lasso");
    } else if (action.kind === "rectangle" && action.dragged) {
      this.hooks.begin();
      this.view.mask.rectangle(...action.points[0], x, y, value);
      this.hooks.commit("rectangle");
    } else if (action.kind === "select") {
      this.hooks.select(action.dragged ? { box: [...action.points[0], x, y] } : { point: [x, y] }, action.takeAway);
    }
    this.view.drawMask();
  }

  // ---- the keyboard's pen: arrows move it, P puts it down and takes it up

  movePen(dx, dy, fine) {
    const { clientWidth, clientHeight } = this.stage;
    this.pen ??= { x: clientWidth / 2, y: clientHeight / 2, down: false };
    const far = fine ? 1 : Math.max((this.size * this.view.scale) / 3, 8);
    this.pen.x += dx * far;
    this.pen.y += dy * far;
    // The picture follows a pen that comes to the edge.
    const over = (value, limit) => Math.min(value - 20, 0) || Math.max(value - limit + 20, 0);
    const outX = over(this.pen.x, clientWidth), outY = over(this.pen.y, clientHeight);
    if (outX || outY) {
      this.view.pan(-outX, -outY);
      this.pen.x -= outX;
      this.pen.y -= outY;
    }
    this.#hover([this.pen.x, this.pen.y]);
    if (this.pen.down) this.#move([this.pen.x, this.pen.y]);
  }

  pressPen(takeAway) {
    this.pen ?? this.movePen(0, 0, true);
    const at = [this.pen.x, this.pen.y];
    if (this.pen.down) this.#up(at);
    else this.#down(at, { takeAway });
    this.pen.down = Boolean(this.action);
    if (this.pen.down && this.name === "select") {
      this.#up(at); // a click
      this.pen.down = false;
    }
    return this.pen.down;
  }

  dropPen() {
    if (this.pen?.down) this.cancel();
    this.pen = null;
  }

  // ---- what follows the pointer

  #hover(at) {
    this.over = at;
    const round = at && this.view.photo && ["brush", "eraser"].includes(this.name) && this.hooks.editable();
    this.cursor.hidden = !(round || (at && this.pen));
    if (this.cursor.hidden) return;
    const side = round ? Math.max(this.size * this.view.scale, 3) : 9;
    Object.assign(this.cursor.style, {
      width: `${side}px`,
      height: `${side}px`,
      transform: `translate(${at[0] - side / 2}px, ${at[1] - side / 2}px)`,
    });
  }

  // Draws the cursor anew: the brush or the zoom changed.
  refresh() {
    this.#hover(this.over);
  }

  #guide(path) {
    for (const line of this.guides.querySelectorAll("path")) line.setAttribute("d", path);
  }
}
