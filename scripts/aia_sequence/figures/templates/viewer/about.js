"use strict";

// What the page knows of its frames; numbers are in DN/s, arcsec, seconds, degrees, unless a name says otherwise.
const about = JSON.parse(document.getElementById("about").textContent);
const $ = (id) => document.getElementById(id);
