// ---- the Sun's sphere as the observer sees it (Thompson 2006, A&A 449, 791)

// An observer has distance and radius of the Sun in metres, longitude and latitude (Stonyhurst) and the Carrington
// longitude of the disc's centre in degrees. Helioprojective angles are in arcsec, heliographic ones in degrees.
const DEGREE = Math.PI / 180;
const ARCSEC = DEGREE / 3600;

const known = (observer) => [observer.distance, observer.radius, observer.longitude, observer.latitude].every(Number.isFinite);

// Latitude and longitude of the photosphere at a place on the sky; null beyond the limb.
function onSun(x, y, observer) {
  if (!known(observer)) return null;
  const { distance, radius } = observer, tilt = observer.latitude * DEGREE;
  const ahead = Math.cos(y * ARCSEC) * Math.cos(x * ARCSEC);
  const square = distance ** 2 * (ahead ** 2 - 1) + radius ** 2;
  if (square < 0) return null;
  const path = distance * ahead - Math.sqrt(square);
  const west = path * Math.cos(y * ARCSEC) * Math.sin(x * ARCSEC), north = path * Math.sin(y * ARCSEC);
  const towards = distance - path * ahead;
  const latitude = Math.asin((north * Math.cos(tilt) + towards * Math.sin(tilt)) / radius) / DEGREE;
  const fromCentre = Math.atan2(west, towards * Math.cos(tilt) - north * Math.sin(tilt)) / DEGREE;
  const carrington = Number.isFinite(observer.carrington) ? (fromCentre + observer.carrington + 720) % 360 : null;
  return { latitude, longitude: fromCentre + observer.longitude, carrington };
}

// Where a point of the photosphere is on the sky; null on the far side.
function onSky(latitude, longitude, observer) {
  const { distance, radius } = observer, tilt = observer.latitude * DEGREE;
  const from = (longitude - observer.longitude) * DEGREE, up = latitude * DEGREE;
  const west = radius * Math.cos(up) * Math.sin(from);
  const north = radius * (Math.sin(up) * Math.cos(tilt) - Math.cos(up) * Math.cos(from) * Math.sin(tilt));
  const towards = radius * (Math.sin(up) * Math.sin(tilt) + Math.cos(up) * Math.cos(from) * Math.cos(tilt));
  if (towards < radius ** 2 / distance) return null;
  const depth = distance - towards;
  return [Math.atan2(west, depth) / ARCSEC, Math.atan2(north, Math.hypot(west, depth)) / ARCSEC];
}

// Megametres that an arcsec spans in the plane of the sky through the Sun's centre.
const megametres = (observer) => observer.distance * Math.tan(ARCSEC) / 1e6;

// Lines of equal latitude and longitude: [text, [[x, y] or null, ...]] each.
function gridLines(observer, step) {
  const lines = [];
  const trace = (text, point) => lines.push([text, Array.from({ length: 181 }, (_, i) => point(i))]);
  const side = (value, positive, negative) => value === 0 ? "0°" : `${value > 0 ? positive : negative}${Math.abs(value)}°`;
  for (let latitude = step - 90; latitude < 90; latitude += step) {
    trace(side(latitude, "N", "S"), (i) => onSky(latitude, observer.longitude - 90 + i, observer));
  }
  const first = Math.ceil((observer.longitude - 90) / step) * step;
  for (let longitude = first; longitude <= observer.longitude + 90; longitude += step) {
    trace(side(longitude, "W", "E"), (i) => onSky(i - 90, longitude, observer));
  }
  return lines;
}

// A place in words: latitude and longitude on the disc, distance from its centre beyond.
function placeOnSun(x, y, frame) {
  const found = onSun(x, y, frame.observer);
  if (!found) return frame.limb ? `${(Math.hypot(x, y) / frame.limb).toFixed(3)} solar radii from the disc's centre` : "";
  const { latitude, longitude, carrington } = found;
  const text = `${latitude < 0 ? "S" : "N"}${Math.abs(latitude).toFixed(1)}° ${longitude < 0 ? "E" : "W"}${Math.abs(longitude).toFixed(1)}°`;
  return carrington === null ? text : `${text}, Carrington ${carrington.toFixed(1)}°`;
}
