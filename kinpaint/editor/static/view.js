// What is seen of the photo: where it lies on the screen, its tiles, the mask over it.
//
// The photo is shown from tiles of a pyramid that the server keeps, so 50 megapixels cost no more
// here than what the screen shows; the file itself is never scaled down. A tile that a filling did
// not touch is its parent's: going through the history loads only what differs.

const FINE = 4e6; // pixels of the screen from which the mask is drawn at half of its resolution
const KEPT = matchMedia("(pointer: coarse)").matches ? 80 : 240; // tiles, about a megabyte each

export class View {
  constructor(stage, picture, overlay) {
    Object.assign(this, { stage, picture, overlay, scale: 1, x: 0, y: 0 });
    this.photo = this.mask = this.step = this.original = null;
    this.split = null; // share of the stage's width that shows the original; null: none
    this.peek = false; // the original is shown while a key is held
    this.tiles = new Map();
    this.colours = [0, 0];
    this.onchange = () => {};
    this.onlost = () => {};
    new ResizeObserver(() => this.#resized()).observe(stage);
  }

  // Pixels of the device for one of the photo; the view's own numbers are in CSS pixels.
  get #dpr() {
    return devicePixelRatio || 1;
  }

  open(photo, mask, step) {
    this.tiles.clear();
    Object.assign(this, { photo, mask, step, original: step, split: null, peek: false });
    this.fit();
  }

  close() {
    this.tiles.clear();
    this.photo = this.mask = null;
    this.draw();
  }

  show(step) {
    this.step = step;
    this.draw();
  }

  #resized() {
    const { clientWidth, clientHeight } = this.stage, dpr = this.#dpr;
    this.maskDpr = clientWidth * clientHeight * dpr * dpr > FINE ? dpr / 2 : dpr;
    for (const [canvas, fine] of [[this.picture, dpr], [this.overlay, this.maskDpr]]) {
      canvas.width = Math.round(clientWidth * fine);
      canvas.height = Math.round(clientHeight * fine);
    }
    if (this.fitted) this.fit();
    else this.draw();
  }

  // ---- where

  get fitScale() {
    const { clientWidth, clientHeight } = this.stage, margin = Math.min(24, clientWidth / 40);
    const room = Math.min((clientWidth - 2 * margin) / this.photo.width, (clientHeight - 2 * margin) / this.photo.height);
    return Math.max(Math.min(room, 8), 1e-3); // a tiny picture is enlarged, within reason
  }

  fit() {
    if (!this.photo) return;
    this.scale = this.fitScale;
    this.x = (this.stage.clientWidth - this.photo.width * this.scale) / 2;
    this.y = (this.stage.clientHeight - this.photo.height * this.scale) / 2;
    this.fitted = true;
    this.draw();
  }

  // Zooms so that the place under (x, y) of the stage stays there.
  zoom(factor, x = this.stage.clientWidth / 2, y = this.stage.clientHeight / 2) {
    if (!this.photo) return;
    const scale = Math.min(Math.max(this.scale * factor, this.fitScale / 4), 40);
    this.x = x - ((x - this.x) / this.scale) * scale;
    this.y = y - ((y - this.y) / this.scale) * scale;
    this.scale = scale;
    this.pan(0, 0);
  }

  // Moves the picture, of which a part always stays in sight.
  pan(dx, dy) {
    if (!this.photo) return;
    const { clientWidth, clientHeight } = this.stage, sight = 60;
    this.fitted = false;
    this.x = Math.min(Math.max(this.x + dx, sight - this.photo.width * this.scale), clientWidth - sight);
    this.y = Math.min(Math.max(this.y + dy, sight - this.photo.height * this.scale), clientHeight - sight);
    this.draw();
  }

  toPhoto(x, y) {
    return [(x - this.x) / this.scale, (y - this.y) / this.scale];
  }

  toStage(x, y) {
    return [x * this.scale + this.x, y * this.scale + this.y];
  }

  // ---- drawing, once a frame

  draw() {
    this.#wanted ??= requestAnimationFrame(() => {
      this.#wanted = null;
      this.#drawPicture();
      this.#drawMask(0, 0, this.overlay.width, this.overlay.height);
      this.onchange();
    });
  }

  // What changed of the mask, alone: while a stroke is drawn.
  drawMask() {
    this.#maskWanted ??= requestAnimationFrame(() => {
      this.#maskWanted = null;
      if (!this.mask?.dirty) return;
      const [left, top, right, bottom] = this.mask.dirty, dpr = this.maskDpr;
      const [x0, y0] = this.toStage(left, top), [x1, y1] = this.toStage(right, bottom);
      this.#drawMask(Math.floor(x0 * dpr) - 1, Math.floor(y0 * dpr) - 1, Math.ceil(x1 * dpr) + 2, Math.ceil(y1 * dpr) + 2);
    });
  }

  #wanted = null;
  #maskWanted = null;

  #drawPicture() {
    const context = this.picture.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.picture.width, this.picture.height);
    if (!this.photo) return;
    if (this.peek) return this.#drawStep(context, this.original);
    this.#drawStep(context, this.step);
    if (this.split !== null) {
      context.save();
      context.beginPath();
      context.rect(0, 0, this.split * this.picture.width, this.picture.height);
      context.clip();
      this.#drawStep(context, this.original);
      context.restore();
    }
  }

  #drawStep(context, step) {
    const { depth } = this.photo, scale = this.scale * this.#dpr;
    const level = Math.min(Math.max(Math.floor(Math.log2(1 / scale) + 0.25), 0), depth);
    context.imageSmoothingEnabled = scale < 2; // pixels are seen as such when enlarged
    context.imageSmoothingQuality = "high";
    this.#drawLevel(context, step, depth, scale);
    if (level < depth) this.#drawLevel(context, step, level, scale);
  }

  #drawLevel(context, step, level, scale) {
    const { tile, width, height } = this.photo, dpr = this.#dpr;
    const side = (tile << level) * scale; // of a tile, in device pixels
    const left = this.x * dpr, top = this.y * dpr;
    const across = Math.ceil(width / (tile << level)), down = Math.ceil(height / (tile << level));
    const first = Math.max(Math.floor(-left / side), 0), last = Math.min(Math.ceil((this.picture.width - left) / side), across);
    const above = Math.max(Math.floor(-top / side), 0), below = Math.min(Math.ceil((this.picture.height - top) / side), down);
    for (let row = above; row < below; row++) {
      for (let column = first; column < last; column++) {
        const image = this.#tile(step, level, column, row);
        if (!image) continue;
        // Edges on whole pixels of the screen: no seams.
        const x0 = Math.round(left + column * side), y0 = Math.round(top + row * side);
        const right = Math.min((column + 1) * (tile << level), width), bottom = Math.min((row + 1) * (tile << level), height);
        const x1 = Math.round(left + right * scale), y1 = Math.round(top + bottom * scale);
        context.drawImage(image, x0, y0, x1 - x0, y1 - y0);
      }
    }
  }

  // A tile's image; while it loads, that of the state before.
  #tile(step, level, column, row) {
    const { tile } = this.photo, side = tile << level;
    const touches = ({ box: [left, top, width, height] }) =>
      left < (column + 1) * side && left + width > column * side && top < (row + 1) * side && top + height > row * side;
    while (step.parent && !touches(step)) step = step.parent;
    const key = `${step.key}/${level}/${column}/${row}`;
    let kept = this.tiles.get(key);
    if (kept) {
      this.tiles.delete(key); // the longest unused are first
    } else {
      kept = { image: new Image(), ready: false };
      this.#load(kept, key, `/api/photos/${this.photo.id}/steps/${step.id}/tiles/${level}/${column}/${row}`);
    }
    this.tiles.set(key, kept);
    while (this.tiles.size > KEPT) this.tiles.delete(this.tiles.keys().next().value);
    if (kept.ready) return kept.image;
    return step.parent ? this.#tile(step.parent, level, column, row) : null;
  }

  async #load(kept, key, url) {
    kept.image.src = url;
    try {
      await kept.image.decode();
      kept.ready = true;
      this.draw();
    } catch {
      if (this.tiles.get(key) === kept) {
        setTimeout(() => this.tiles.delete(key), 1000);
        this.onlost();
      }
    }
  }

  // Draws the mask within a box of the overlay's pixels.
  #drawMask(left, top, right, bottom) {
    const { width, height } = this.overlay, context = this.overlay.getContext("2d");
    if (!this.mask || this.peek || !width || !height) {
      context.clearRect(0, 0, width, height);
      return;
    }
    this.mask.dirty = null;
    // A pixel more above and on the left, which is not shown: edges are seen from there.
    left = Math.max(left - 1, -1), top = Math.max(top - 1, -1);
    const wide = Math.min(right, width) - left, high = Math.min(bottom, height) - top;
    if (wide < 2 || high < 2) return;
    const data = context.createImageData(wide, high), dpr = this.maskDpr;
    this.mask.paint(data.data, wide, high, this.x * dpr - left, this.y * dpr - top, this.scale * dpr, ...this.colours);
    context.putImageData(data, left, top, 1, 1, wide - 1, high - 1);
  }
}
