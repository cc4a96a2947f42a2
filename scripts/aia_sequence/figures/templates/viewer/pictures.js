// ---- pictures: brightness, differences and ratio of frames, and their colours

const unitOf = (kind) => kind === "ratio" ? "" : "DN/s";
const KIND_NAMES = { brightness: "Brightness", running: "Running difference", base: "Base difference", ratio: "Ratio to base" };
const scaleName = (kind) => kind === "ratio" ? "ratio" : "DN/s per pixel";

const packColour = ([red, green, blue]) => (255 << 24) | (blue << 16) | (green << 8) | red;
const GREYS = Array.from({ length: 256 }, (_, level) => [level, level, level]);
const MISSING = [158, 158, 158];

// Index of the frame that a difference is taken to; null where there is none.
function reference(sequence, index) {
  if (state.kind === "running") return index >= state.back ? index - state.back : null;
  const base = Math.min(state.base, first.times.length - 1);
  return sequence === first ? base : nearest(sequence.times, first.times[base]);
}

// Numbers of the shown kind, NaN where missing, and saturated pixels, of a frame of a channel.
async function pictureOf(sequence, index) {
  const { codes, values, saturated } = await sequence.frame(index);
  const numbers = new Float32Array(codes.length);
  if (state.kind === "brightness") {
    for (let i = 0; i < numbers.length; i++) numbers[i] = values[codes[i]];
    return { numbers, saturated };
  }
  const other = reference(sequence, index);
  if (other === null) return { numbers: numbers.fill(NaN), saturated: null };
  const base = await sequence.frame(other);
  for (let i = 0; i < numbers.length; i++) {
    const before = base.values[base.codes[i]], now = values[codes[i]];
    numbers[i] = state.kind !== "ratio" ? now - before : before > 0 ? now / before : NaN;
  }
  const either = saturated && base.saturated ? saturated.map((hot, i) => hot | base.saturated[i]) : saturated ?? base.saturated;
  return { numbers, saturated: either };
}

// ---- from numbers to colours

function limitsOf(sequence) {
  if (sequence === first) return state.limits[state.kind];
  return state.kind === "brightness" ? sequence.about.limits : sequence.limits?.[state.kind] ?? [-1, 1];
}

const coloursOf = (sequence) => state.kind === "brightness" ? sequence.about.colours : GREYS;

// Limits that hold all but the outermost 0.5 % of a difference's numbers, around its middle.
async function chooseLimits(sequence, kind) {
  const sizes = [], count = sequence.times.length, every = Math.max(1, Math.floor(count / 6));
  for (let index = 0; index < count; index += every) {
    const { numbers } = await pictureOf(sequence, index), stride = Math.max(1, Math.floor(numbers.length / 20000));
    for (let i = 0; i < numbers.length; i += stride) {
      const size = kind === "ratio" ? Math.abs(Math.log(numbers[i])) : Math.abs(numbers[i]);
      if (Number.isFinite(size) && size > 0) sizes.push(size);
    }
  }
  const widest = sizes.sort((a, b) => a - b)[Math.floor(0.995 * (sizes.length - 1))] ?? 1;
  if (kind === "ratio") return [1, -1].map((sign) => Number(Math.exp(-sign * Math.max(widest, 0.05)).toPrecision(3)));
  return [-1, 1].map((sign) => sign * Number(widest.toPrecision(2)));
}

// A number's place between the limits, 0 to 1, as the chosen stretch has it.
function stretched(value, [low, high], kind = state.kind) {
  const part = kind === "ratio" ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  const inside = Math.min(1, Math.max(0, part));
  switch (kind === "brightness" ? state.stretch : "linear") {
    case "asinh": return Math.asinh(inside * 100) / Math.asinh(100);
    case "log": return Math.log1p(inside * 1000) / Math.log(1001);
    case "power": return inside ** about.power;
    default: return inside;
  }
}

// Colours of the levels 0 to 255 as words of a raster.
const palette = (sequence) => coloursOf(sequence).map(packColour);

// Stretching is a table of 4,096 steps in the square root of the part between the limits, or in the part itself.
function stretchTable(sequence) {
  const limits = limitsOf(sequence), [low, high] = limits, colours = palette(sequence), table = new Int32Array(4097);
  for (let i = 0; i <= 4096; i++) table[i] = colours[Math.round(255 * stretched(low + (i / 4096) ** 2 * (high - low), limits))];
  return (value) => table[Math.round(4096 * Math.sqrt(Math.min(1, Math.max(0, (value - low) / (high - low)))))];
}

// Paint a picture into its channel's buffer, north up.
function paint(sequence, { numbers, saturated }) {
  const colour = stretchTable(sequence), missing = packColour(MISSING), hot = packColour(sequence.about.saturated);
  const { rows, columns, words } = sequence, fill = state.saturated === "fill";
  for (let row = 0; row < rows; row++) {
    let target = (rows - 1 - row) * columns;
    for (let i = row * columns, end = i + columns; i < end; i++, target++) {
      words[target] = fill && saturated?.[i] ? hot : Number.isNaN(numbers[i]) ? missing : colour(numbers[i]);
    }
  }
  sequence.ink.putImageData(sequence.raster, 0, 0);
  sequence.edges = state.saturated === "outline" && saturated ? edgesOf(saturated, rows, columns) : null;
}

// The outline of saturated pixels: a path in pixels from the lower left corner.
function edgesOf(saturated, rows, columns) {
  const path = new Path2D(), hot = (row, column) => row >= 0 && row < rows && column >= 0 && column < columns && saturated[row * columns + column];
  const line = (x0, y0, x1, y1) => { path.moveTo(x0, y0); path.lineTo(x1, y1); };
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      if (!saturated[row * columns + column]) continue;
      if (!hot(row - 1, column)) line(column, row, column + 1, row);
      if (!hot(row + 1, column)) line(column, row + 1, column + 1, row + 1);
      if (!hot(row, column - 1)) line(column, row, column, row + 1);
      if (!hot(row, column + 1)) line(column + 1, row, column + 1, row + 1);
    }
  }
  return path;
}
