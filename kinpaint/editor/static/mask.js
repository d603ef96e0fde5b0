// The hole, one byte a pixel at the photo's full size: what is painted is what is filled.
//
// Shapes are drawn row by row with Uint8Array.fill, exact to the pixel and fast at 50 megapixels.
// Beside the bytes there are two reduced copies (a cell of 4 or 16 pixels is set where any of its
// pixels is), so that a thin stroke stays visible on a photo shown at a tenth of its size.
// Edits are kept for undo as packed blocks: only what an edit touched, one bit a pixel.

const BLOCK = 256;
const CELLS = [4, 16];

export class Mask {
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.bytes = new Uint8Array(width * height);
    this.coarse = CELLS.map((cell) => {
      const across = Math.ceil(width / cell);
      return { cell, across, bytes: new Uint8Array(across * Math.ceil(height / cell)) };
    });
    this.edit = null;
    this.dirty = null; // [left, top, right, bottom] of what changed since it was painted
  }

  isEmpty() {
    return this.bytes.indexOf(1) < 0;
  }

  at(x, y) {
    return x >= 0 && y >= 0 && x < this.width && y < this.height && this.bytes[y * this.width + x] === 1;
  }

  // ---- edits

  begin() {
    this.edit = { blocks: new Map() };
  }

  // Ends an edit; gives what `swap` takes, or null if nothing changed.
  commit() {
    const edit = this.edit;
    this.edit = null;
    if (!edit) return null;
    for (const [index, saved] of edit.blocks) {
      if (same(saved, this.#packed(index))) edit.blocks.delete(index);
    }
    return edit.blocks.size ? edit : null;
  }

  // Takes back what was drawn since `begin`.
  abandon() {
    const edit = this.edit;
    this.edit = null;
    if (edit) this.swap(edit);
  }

  // Exchanges the mask's blocks with the edit's: undo, and redo.
  swap(edit) {
    for (const [index, saved] of edit.blocks) {
      edit.blocks.set(index, this.#packed(index));
      this.#unpack(index, saved);
    }
  }

  get #across() {
    return Math.ceil(this.width / BLOCK);
  }

  #area(index) {
    const left = (index % this.#across) * BLOCK;
    const top = Math.floor(index / this.#across) * BLOCK;
    return [left, top, Math.min(left + BLOCK, this.width), Math.min(top + BLOCK, this.height)];
  }

  // Notes the blocks of a box before they change.
  #touch(left, top, right, bottom) {
    this.#mark(left, top, right, bottom);
    if (!this.edit) return;
    for (let row = Math.floor(top / BLOCK); row * BLOCK < bottom; row++) {
      for (let column = Math.floor(left / BLOCK); column * BLOCK < right; column++) {
        const index = row * this.#across + column;
        if (!this.edit.blocks.has(index)) this.edit.blocks.set(index, this.#packed(index));
      }
    }
  }

  #mark(left, top, right, bottom) {
    const [l, t, r, b] = this.dirty ?? [Infinity, Infinity, 0, 0];
    this.dirty = [Math.min(l, left), Math.min(t, top), Math.max(r, right), Math.max(b, bottom)];
  }

  // A block as bits; null where it is empty.
  #packed(index) {
    const [left, top, right, bottom] = this.#area(index);
    let bits = null;
    for (let y = top; y < bottom; y++) {
      const row = this.bytes.subarray(y * this.width + left, y * this.width + right);
      for (let x = row.indexOf(1); x >= 0; x = row.indexOf(1, x + 1)) {
        bits ??= new Uint8Array((BLOCK * BLOCK) / 8);
        const place = (y - top) * BLOCK + x;
        bits[place >> 3] |= 1 << (place & 7);
      }
    }
    return bits;
  }

  #unpack(index, bits) {
    const [left, top, right, bottom] = this.#area(index);
    this.#mark(left, top, right, bottom);
    for (let y = top; y < bottom; y++) {
      const row = this.bytes.subarray(y * this.width + left, y * this.width + right);
      if (!bits) {
        row.fill(0);
        continue;
      }
      for (let x = 0; x < row.length; x++) {
        const place = (y - top) * BLOCK + x;
        row[x] = (bits[place >> 3] >> (place & 7)) & 1;
      }
    }
    this.#reduce(left, top, right, bottom);
  }

  // Brings the reduced copies up to date with a box of the bytes.
  #reduce(left, top, right, bottom) {
    for (const { cell, across, bytes } of this.coarse) {
      for (let row = Math.floor(top / cell); row * cell < bottom; row++) {
        const end = Math.min((row + 1) * cell, this.height);
        for (let column = Math.floor(left / cell); column * cell < right; column++) {
          const x0 = column * cell, x1 = Math.min(x0 + cell, this.width);
          let any = 0;
          for (let y = row * cell; y < end && !any; y++) {
            for (let k = y * this.width + x0, stop = y * this.width + x1; k < stop; k++) any |= this.bytes[k];
          }
          bytes[row * across + column] = any;
        }
      }
    }
  }

  // ---- shapes

  // Sets pixels [from, to) of a row, cut to the picture.
  #span(y, from, to, value) {
    from = Math.max(from, 0);
    to = Math.min(to, this.width);
    if (from >= to) return;
    this.bytes.fill(value, y * this.width + from, y * this.width + to);
    if (value) {
      for (const { cell, across, bytes } of this.coarse) {
        const row = Math.floor(y / cell) * across;
        bytes.fill(1, row + Math.floor(from / cell), row + Math.floor((to - 1) / cell) + 1);
      }
    }
  }

  // Draws rows: `spans(y)` gives pairs [from, to) of a row of pixels.
  #rows(box, spans, value) {
    const left = Math.max(Math.floor(box[0]), 0), right = Math.min(Math.ceil(box[2]) + 1, this.width);
    const top = Math.max(Math.floor(box[1]), 0), bottom = Math.min(Math.ceil(box[3]) + 1, this.height);
    if (left >= right || top >= bottom) return;
    this.#touch(left, top, right, bottom);
    for (let y = top; y < bottom; y++) for (const [from, to] of spans(y)) this.#span(y, from, to, value);
    if (!value) this.#reduce(left, top, right, bottom);
  }

  // A brush of a radius, moved from one place to another: the pixels whose middle it covers.
  // A convex shape, so each row of it is one span: that of either end's disc and of the slab between.
  stroke(x0, y0, x1, y1, radius, value) {
    const r = Math.max(radius, 0.5);
    const box = [Math.min(x0, x1) - r, Math.min(y0, y1) - r, Math.max(x0, x1) + r, Math.max(y0, y1) + r];
    const length = Math.hypot(x1 - x0, y1 - y0);
    const nx = length ? (-(y1 - y0) / length) * r : 0, ny = length ? ((x1 - x0) / length) * r : 0;
    const slab = length ? [[x0 + nx, y0 + ny], [x1 + nx, y1 + ny], [x1 - nx, y1 - ny], [x0 - nx, y0 - ny]] : [];
    this.#rows(box, (row) => {
      const y = row + 0.5;
      let from = Infinity, to = -Infinity;
      for (const [cx, cy] of [[x0, y0], [x1, y1]]) {
        const half = Math.sqrt(r * r - (y - cy) ** 2);
        if (half >= 0) {
          from = Math.min(from, cx - half);
          to = Math.max(to, cx + half);
        }
      }
      for (let k = 0; k < slab.length; k++) {
        const [ax, ay] = slab[k], [bx, by] = slab[(k + 1) % 4];
        if (ay <= y === by <= y) continue;
        const x = ax + ((y - ay) / (by - ay)) * (bx - ax);
        from = Math.min(from, x);
        to = Math.max(to, x);
      }
      return from <= to ? [pixels(from, to)] : [];
    }, value);
  }

  rectangle(x0, y0, x1, y1, value) {
    const left = Math.round(Math.min(x0, x1)), right = Math.round(Math.max(x0, x1));
    const top = Math.round(Math.min(y0, y1)), bottom = Math.round(Math.max(y0, y1));
    const inside = (y) => (y >= top && y < bottom ? [[left, right]] : []);
    this.#rows([left, top, right, bottom], inside, value);
  }

  // The inside of a closed line, by the even-odd rule.
  polygon(points, value) {
    const xs = points.map((p) => p[0]), ys = points.map((p) => p[1]);
    const box = [least(xs), least(ys), most(xs), most(ys)];
    this.#rows(box, (row) => {
      const y = row + 0.5, crossings = [];
      for (let k = 0; k < points.length; k++) {
        const [ax, ay] = points[k], [bx, by] = points[(k + 1) % points.length];
        if (ay <= y !== by <= y) crossings.push(ax + ((y - ay) / (by - ay)) * (bx - ax));
      }
      crossings.sort((a, b) => a - b);
      const spans = [];
      for (let k = 0; k + 1 < crossings.length; k += 2) spans.push(pixels(crossings[k], crossings[k + 1]));
      return spans;
    }, value);
  }

  // Adds packed bits, rows padded to bytes, as the server sends them.
  add(bits, left, top, width, height) {
    if (!width || !height) return;
    const stride = Math.ceil(width / 8);
    this.#touch(left, top, left + width, top + height);
    for (let y = 0; y < height; y++) {
      const start = (top + y) * this.width + left;
      for (let x = 0; x < width; x++) {
        if ((bits[y * stride + (x >> 3)] >> (7 - (x & 7))) & 1) this.bytes[start + x] = 1;
      }
    }
    this.#reduce(left, top, left + width, top + height);
  }

  clear() {
    this.#rows([0, 0, this.width, this.height], () => [[0, this.width]], 0);
  }

  invert() {
    this.#touch(0, 0, this.width, this.height);
    for (let k = 0; k < this.bytes.length; k++) this.bytes[k] ^= 1;
    this.#reduce(0, 0, this.width, this.height);
  }

  // [left, top, right, bottom] of what is set, or null.
  bounds() {
    const first = this.bytes.indexOf(1);
    if (first < 0) return null;
    const top = Math.floor(first / this.width), bottom = Math.floor(this.bytes.lastIndexOf(1) / this.width) + 1;
    let left = this.width, right = 0;
    for (let y = top; y < bottom; y++) {
      const row = this.bytes.subarray(y * this.width, (y + 1) * this.width);
      const from = row.indexOf(1);
      if (from < 0) continue;
      left = Math.min(left, from);
      right = Math.max(right, row.lastIndexOf(1) + 1);
    }
    return [left, top, right, bottom];
  }

  // Fills what closed outlines enclose: all that the outside does not reach.
  fillOutlines() {
    const bounds = this.bounds();
    if (!bounds) return;
    const [left, top, right, bottom] = bounds;
    // A frame of one empty pixel joins all of the outside.
    const width = right - left + 2, height = bottom - top + 2;
    const seen = new Uint8Array(width * height);
    for (let y = top; y < bottom; y++) {
      seen.set(this.bytes.subarray(y * this.width + left, y * this.width + right), (y - top + 1) * width + 1);
    }
    const waiting = [0];
    while (waiting.length) {
      const start = waiting.pop();
      if (seen[start]) continue;
      const row = start - (start % width);
      let from = start, to = start;
      while (from > row && !seen[from - 1]) from--;
      while (to < row + width - 1 && !seen[to + 1]) to++;
      seen.fill(2, from, to + 1);
      for (const next of [-width, width]) {
        if (row + next < 0 || row + next >= seen.length) continue;
        for (let k = from; k <= to; k++) {
          const open = !seen[k + next];
          if (open && (k === from || seen[k - 1 + next])) waiting.push(k + next);
        }
      }
    }
    this.#touch(left, top, right, bottom);
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        if (seen[(y - top + 1) * width + x - left + 1] !== 2) this.bytes[y * this.width + x] = 1;
      }
    }
    this.#reduce(left, top, right, bottom);
  }

  // ---- out

  // A PNG of one bit a pixel, white where the hole is.
  async png() {
    const stride = Math.ceil(this.width / 8);
    const rows = new Uint8Array((stride + 1) * this.height); // each begins with its filter: none
    for (let y = 0; y < this.height; y++) {
      const row = this.bytes.subarray(y * this.width, (y + 1) * this.width);
      const start = y * (stride + 1) + 1;
      for (let x = row.indexOf(1); x >= 0; x = row.indexOf(1, x + 1)) rows[start + (x >> 3)] |= 128 >> (x & 7);
    }
    const squeezed = new Response(new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate")));
    const head = new DataView(new ArrayBuffer(13));
    head.setUint32(0, this.width);
    head.setUint32(4, this.height);
    head.setUint8(8, 1); // bits; then grey, deflate, standard filters, not interlaced: zeros
    const chunks = [
      chunk("IHDR", new Uint8Array(head.buffer)),
      chunk("IDAT", new Uint8Array(await squeezed.arrayBuffer())),
      chunk("IEND", new Uint8Array(0)),
    ];
    return new Blob([new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]), ...chunks], { type: "image/png" });
  }

  // ---- on the screen

  // Paints the part of the mask that a screen of pixels shows: `scale` screen pixels a pixel, the
  // picture's corner at (left, top). The edge is drawn in a second colour.
  paint(data, width, height, left, top, scale, inside, edge) {
    const target = new Uint32Array(data.buffer);
    let { bytes, width: across } = this, cell = 1;
    for (const reduced of this.coarse) {
      if (reduced.cell * scale <= 1) ({ cell, across, bytes } = reduced);
    }
    const columns = new Int32Array(width).fill(-1);
    for (let x = 0; x < width; x++) {
      const source = Math.floor((x + 0.5 - left) / scale);
      if (source >= 0 && source < this.width) columns[x] = Math.floor(source / cell);
    }
    let above = new Uint8Array(width), row = new Uint8Array(width);
    for (let y = 0; y < height; y++) {
      const source = Math.floor((y + 0.5 - top) / scale);
      const start = source >= 0 && source < this.height ? Math.floor(source / cell) * across : -1;
      let before = 0;
      for (let x = 0; x < width; x++) {
        const set = start >= 0 && columns[x] >= 0 ? bytes[start + columns[x]] : 0;
        row[x] = set;
        const k = y * width + x;
        target[k] = set ? inside : 0;
        if (set !== before || set !== above[x]) target[k] = edge;
        before = set;
      }
      [above, row] = [row, above];
    }
  }
}

// Pixels whose middles lie in [from, to).
const pixels = (from, to) => [Math.ceil(from - 0.5), Math.ceil(to - 0.5)];
const least = (values) => values.reduce((a, b) => Math.min(a, b));
const most = (values) => values.reduce((a, b) => Math.max(a, b));
const same = (a, b) => (a && b ? a.every((value, k) => value === b[k]) : a === b);

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

// A chunk of a PNG: length, name, data, checksum of name and data.
function chunk(name, data) {
  const bytes = new Uint8Array(data.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(name), 4);
  bytes.set(data, 8);
  let crc = -1;
  for (let k = 4; k < data.length + 8; k++) crc = CRC[(crc ^ bytes[k]) & 255] ^ (crc >>> 8);
  view.setUint32(data.length + 8, ~crc >>> 0);
  return bytes;
}
