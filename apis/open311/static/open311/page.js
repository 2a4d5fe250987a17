// Tries the API's methods and shows a search's incidents as a table and as points.
"use strict";

const API = "/open311/api";
const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 600;
const HEIGHT = 400;
const MARGIN = 32;
const METRES_OF_A_DEGREE = 111195; // of latitude

// A search needs a criterion: without any, this one stands for everything.
const WHOLE_WORLD = ["where", "bbox:-90,-180,90,180"];

async function call(form, criterion) {
  const fields = new URLSearchParams();
  let token = "";
  for (const [name, value] of new FormData(form)) {
    if (name === "token") token = value;
    else if (value !== "") fields.append(name, value);
  }
  const about = ["method", "page"];
  if (criterion && [...fields.keys()].every((name) => about.includes(name))) {
    fields.append(...criterion);
  }
  const options = { method: form.dataset.verb, headers: {} };
  if (token) options.headers.Authorization = `Bearer ${token}`;
  let address = API;
  if (options.method === "GET") address += `?${fields}`;
  else options.body = fields;
  const response = await fetch(address, options);
  const text = await response.text();
  const isJson = (response.headers.get("Content-Type") || "").includes("json");
  return { response, address, text, value: isJson ? JSON.parse(text) : null };
}

function element(name, text, parent) {
  const made = document.createElement(name);
  made.textContent = text;
  parent.append(made);
  return made;
}

async function tryMethod(event) {
  event.preventDefault();
  const form = event.target;
  const output = form.parentElement.querySelector(".answer");
  try {
    const { response, address, text, value } = await call(form);
    const shown = value === null ? text : JSON.stringify(value, null, 2);
    output.textContent = `${form.dataset.verb} ${address}\n${response.status}\n\n${shown}`;
  } catch (error) {
    output.textContent = `The service cannot be reached: ${error.message}`;
  }
}

async function fillChoices(id, method, list) {
  const select = document.getElementById(id);
  const response = await fetch(`${API}?method=${method}`);
  if (!response.ok) return new Map();
  const rows = (await response.json())[list];
  for (const row of rows) element("option", row.name, select).value = row.id;
  return new Map(rows.map((row) => [row.id, row.name]));
}

function svgElement(name, attributes, parent) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent.append(made);
  return made;
}

// Return places with longitudes that lie together also where they are on both sides of 180 degrees.
function joinAcross180(points) {
  const longitudes = points.map((each) => each.longitude);
  if (Math.max(...longitudes) - Math.min(...longitudes) <= 180) return points;
  return points.map((each) => ({
    ...each,
    longitude: each.longitude < 0 ? each.longitude + 360 : each.longitude,
  }));
}

function writeLongitude(value, digits) {
  return (value > 180 ? value - 360 : value).toFixed(digits);
}

// Return how places become points of the drawing, north up, so that all of them fit.
function project(points) {
  const latitudes = points.map((each) => each.latitude);
  const longitudes = points.map((each) => each.longitude);
  const [south, north] = [Math.min(...latitudes), Math.max(...latitudes)];
  const [west, east] = [Math.min(...longitudes), Math.max(...longitudes)];
  const [latitude, longitude] = [(south + north) / 2, (west + east) / 2];
  // A degree of longitude is shorter than one of latitude, the more so away from the equator.
  const shrink = Math.max(Math.cos((latitude * Math.PI) / 180), 1e-3);
  const wide = Math.max((east - west) * shrink, 1e-4);
  const high = Math.max(north - south, 1e-4);
  const scale = Math.min((WIDTH - 2 * MARGIN) / wide, (HEIGHT - 2 * MARGIN) / high);
  return { latitude, longitude, across: shrink * scale, down: scale };
}

// Return a step of 1, 2 or 5 and zeros that fits a few times into the span.
function roundStep(span) {
  const power = 10 ** Math.floor(Math.log10(span / 4));
  return [1, 2, 5, 10].map((size) => size * power).find((step) => span / step <= 5);
}

function drawGrid(map, view) {
  const step = roundStep(HEIGHT / view.down);
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  const half = { latitude: HEIGHT / 2 / view.down, longitude: WIDTH / 2 / view.across };
  const start = (name) => Math.ceil((view[name] - half[name]) / step) * step;
  for (let value = start("latitude"); value < view.latitude + half.latitude; value += step) {
    const y = (HEIGHT / 2 - (value - view.latitude) * view.down).toFixed(1);
    svgElement("line", { x1: 0, x2: WIDTH, y1: y, y2: y }, map);
    if (y > 16) svgElement("text", { x: 6, y: y - 4 }, map).textContent = value.toFixed(digits);
  }
  for (let value = start("longitude"); value < view.longitude + half.longitude; value += step) {
    const x = (WIDTH / 2 + (value - view.longitude) * view.across).toFixed(1);
    svgElement("line", { x1: x, x2: x, y1: 0, y2: HEIGHT }, map);
    if (x > WIDTH - 56) continue; // no room for the label
    const label = svgElement("text", { x: Number(x) + 4, y: HEIGHT - 6 }, map);
    label.textContent = writeLongitude(value, digits);
  }
}

function drawScale(map, view) {
  const metres = roundStep((WIDTH / view.down) * METRES_OF_A_DEGREE);
  const length = (metres / METRES_OF_A_DEGREE) * view.down;
  const left = WIDTH - MARGIN - length;
  const bar = `M${left} ${MARGIN - 6} v6 h${length} v-6`;
  svgElement("path", { d: bar }, map);
  const label = svgElement("text", { x: WIDTH - MARGIN, y: MARGIN + 18, "text-anchor": "end" }, map);
  label.textContent = metres < 1000 ? `${metres} m` : `${metres / 1000} km`;
}

function drawMap(incidents) {
  const map = document.getElementById("map");
  map.replaceChildren();
  const placed = incidents.filter((each) => each.latitude !== null && each.longitude !== null);
  if (placed.length === 0) return;
  const points = joinAcross180(placed);
  const view = project(points);
  drawGrid(map, view);
  for (const each of points) {
    const x = WIDTH / 2 + (each.longitude - view.longitude) * view.across;
    const y = HEIGHT / 2 - (each.latitude - view.latitude) * view.down;
    const circle = svgElement("circle", { cx: x.toFixed(1), cy: y.toFixed(1), r: 6 }, map);
    svgElement("title", {}, circle).textContent = `${each.id} ${each.description || ""}`;
  }
  drawScale(map, view);
}

function fillTable(incidents, services, statuses) {
  const body = document.querySelector("#table tbody");
  body.replaceChildren();
  for (const each of incidents) {
    const row = element("tr", "", body);
    element("td", each.id, row);
    element("td", services.get(each.service_id) || each.service_id, row);
    element("td", statuses.get(each.status_id) || each.status_id, row);
    // As people read it: 2026-05-23 14:05 UTC is 2026-05-23T14:05:00Z.
    const shown = each.created.slice(0, 16).replace("T", " ");
    const created = element("time", shown, element("td", "", row));
    created.dateTime = each.created;
    element("td", each.description || "", row);
  }
}

async function search(form, services, statuses) {
  const found = document.getElementById("found");
  const { response, value } = await call(form, WHOLE_WORLD);
  found.classList.toggle("bad", !response.ok);
  if (!response.ok) {
    found.textContent = value.error.message;
    return;
  }
  const about = value.total_is_estimate ? "about " : "";
  found.textContent = `${about}${value.total} incidents, page ${value.page} of ${value.pages}`;
  fillTable(value.incidents, services, statuses);
  drawMap(value.incidents);
}

async function start() {
  for (const form of document.querySelectorAll("details form.call")) {
    form.addEventListener("submit", tryMethod);
  }
  const [services, statuses] = await Promise.all([
    fillChoices("services", "open311.services.getList&per_page=1000", "services"),
    fillChoices("statuses", "open311.statuses.getList", "statuses"),
  ]);
  const form = document.getElementById("search");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    search(form, services, statuses);
  });
  search(form, services, statuses);
}

start();
