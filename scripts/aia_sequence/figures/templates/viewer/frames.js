// ---- frames: codes with steps of the noise, see the note on precision in the page

const KEPT_BYTES = 250e6;

async function inflate(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Undo the prediction from the neighbours at the left, above and between (the median of JPEG-LS).
function restore(bytes, rows, columns) {
  const codes = new Uint16Array(rows * columns);
  for (let row = 0, i = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, i++) {
      const left = column ? codes[i - 1] : 0, above = row ? codes[i - columns] : 0;
      const corner = row && column ? codes[i - columns - 1] : 0;
      const expected = Math.min(Math.max(left + above - corner, Math.min(left, above)), Math.max(left, above));
      const difference = bytes[i] | (bytes[codes.length + i] << 8);
      codes[i] = expected + (difference & 1 ? -(difference + 1) / 2 : difference / 2);
    }
  }
  return codes;
}

// The brightness in DN/s of each code up to `most`; code 0 is a missing pixel.
function brightnesses({ photon, read, step, first }, most) {
  const values = new Float32Array(most + 1);
  for (let code = 1; code <= most; code++) {
    const sigmas = (code - 1 + first) * step;
    values[code] = read * sigmas + (sigmas < 0 ? 0 : photon * sigmas ** 2 / 4);
  }
  values[0] = NaN;
  return values;
}

// Frame `index` of this page: codes, the brightness of each code, and which pixels are saturated (null: none).
async function unpack(index) {
  const [rows, columns] = about.shape;
  const codes = restore(await inflate($("frame" + index).textContent), rows, columns);
  const most = codes.reduce((a, b) => a > b ? a : b, 0), mask = $("saturated" + index);
  let saturated = null;
  if (mask) {
    const bits = await inflate(mask.textContent);
    saturated = Uint8Array.from(codes, (_, i) => bits[i >> 3] >> (7 - i % 8) & 1);
  }
  return { codes, values: brightnesses(about.frames[index].coding, most), saturated };
}

// The frames of a channel: this page's, or those that another channel's page hands over.
class Sequence {
  constructor(about, load) {
    Object.assign(this, { about, load, kept: new Map() });
    [this.rows, this.columns] = about.shape;
    this.pixel = about.pixel * about.factor;
    this.times = about.frames.map((frame) => frame.tai);
    this.most = Math.max(8, Math.floor(KEPT_BYTES / (3 * this.rows * this.columns)));
    this.buffer = document.createElement("canvas");
    [this.buffer.width, this.buffer.height] = [this.columns, this.rows];
    this.ink = this.buffer.getContext("2d");
    this.raster = this.ink.createImageData(this.columns, this.rows);
    this.words = new Int32Array(this.raster.data.buffer);
  }

  // A promise; the frames used last are kept, as many as fit into memory.
  frame(index) {
    const found = this.kept.get(index) ?? this.load(index);
    this.kept.delete(index);
    this.kept.set(index, found);
    if (this.kept.size > this.most) this.kept.delete(this.kept.keys().next().value);
    return found;
  }

  // Left and lower edge, and the middle of the region, in arcsec; one that follows the rotation has its own in each frame.
  place(index) {
    const [left, right, bottom, top] = this.about.frames[index].extent;
    return { left, bottom, x: (left + right) / 2, y: (bottom + top) / 2, wide: right - left, high: top - bottom };
  }

  // Row and column of the pixel at offsets in arcsec from the region's middle; null outside.
  pixelAt(x, y, index) {
    const at = this.place(index);
    const column = Math.floor((at.x + x - at.left) / this.pixel), row = Math.floor((at.y + y - at.bottom) / this.pixel);
    return column >= 0 && column < this.columns && row >= 0 && row < this.rows ? { row, column } : null;
  }
}
