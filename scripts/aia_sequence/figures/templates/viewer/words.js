// ---- numbers and times in words

const PIXEL_DIGITS = 4, MEAN_DIGITS = 6;
const minus = (text) => text.replace("-", "\u2212");
const group = (value, digits) => grouped(String(Number(value.toPrecision(digits))));
// Hundredths of a second are rounded; the last one of a minute is not, as its next begins another minute.
const clockOf = (time) => time.replace("T", " ").replace("Z", "").replace(/\d\d\.\d{3,}$/, (seconds) =>
  seconds >= 59.995 ? seconds.slice(0, 5) : Number(seconds).toFixed(2).padStart(5, "0"));

function grouped(text) {
  const [whole, part] = text.split(".");
  return minus(whole.replace(/\B(?=(\d{3})+$)/g, "\u2009") + (part ? "." + part : ""));
}

function roundStep(span, count) {
  const raw = span / count, decade = 10 ** Math.floor(Math.log10(raw));
  return decade * [1, 2, 5, 10].find((factor) => factor * decade >= raw);
}

function between(low, high, step) {
  const found = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + 1e-9 * step; n++) found.push(Number((n * step).toPrecision(12)));
  return found;
}

function median(list) {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

// Times are seconds of TAI since 1977, for a Date has no leap second: the steps say from when on UTC lies how far behind.
const EPOCH = Date.UTC(1977, 0, 1) / 1000;
const stepAt = (tai) => about.leapSteps.findLast(([begin]) => tai >= begin - 1);
const taiOf = (utc) => utc + about.leapSteps.findLast(([begin, offset]) => utc + offset >= begin)[1];

function utcText(tai) {
  const [begin, offset] = stepAt(tai);
  const text = new Date((tai - offset + EPOCH) * 1000).toISOString();
  return tai < begin ? text.replace(/59(?=\.)/, "60") : text;
}

function nearest(times, time) {
  let best = 0;
  times.forEach((other, index) => { if (Math.abs(other - time) < Math.abs(times[best] - time)) best = index; });
  return best;
}
