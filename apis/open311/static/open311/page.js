// Tries the API's methods and shows a search's incidents as a table and as points.
"use strict";

const API = "/open311/api";
const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 600;
const HEIGHT = 400;
const MARGIN = 24;

async function call(form) {
  const fields = new URLSearchParams();
  let token = "";
  for (const [name, value] of new FormData(form)) {
    if (name === "token") token = value;
    else if (value !== "") fields.append(name, value);
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

function drawMap(incidents) {
  const map = document.getElementById("map");
  map.replaceChildren();
  const points = incidents.filter((each) => each.latitude !== null && each.longitude !== null);
  if (points.length === 0) return;
  const latitudes = points.map((each) => each.latitude);
  const longitudes = points.map((each) => each.longitude);
  const [south, north] = [Math.min(...latitudes), Math.max(...latitudes)];
  const [west, east] = [Math.min(...longitudes), Math.max(...longitudes)];
  // A degree of longitude is shorter than one of latitude, the more so away from the equator.
  const shrink = Math.cos((((south + north) / 2) * Math.PI) / 180);
  const wide = Math.max((east - west) * shrink, 1e-4);
  const high = Math.max(north - south, 1e-4);
  const scale = Math.min((WIDTH - 2 * MARGIN) / wide, (HEIGHT - 2 * MARGIN) / high);
  for (const each of points) {
    const x = WIDTH / 2 + (each.longitude - (west + east) / 2) * shrink * scale;
    const y = HEIGHT / 2 - (each.latitude - (south + north) / 2) * scale;
    const circle = svgElement("circle", { cx: x.toFixed(1), cy: y.toFixed(1), r: 5 }, map);
    svgElement("title", {}, circle).textContent = `${each.id} ${each.description || ""}`;
  }
  const corners = `${south.toFixed(4)}, ${west.toFixed(4)} to ${north.toFixed(4)}, ${east.toFixed(4)}`;
  svgElement("text", { x: 8, y: HEIGHT - 8 }, map).textContent = corners;
}

function fillTable(incidents, services, statuses) {
  const body = document.querySelector("#table tbody");
  body.replaceChildren();
  for (const each of incidents) {
    const row = element("tr", "", body);
    element("td", each.id, row);
    element("td", services.get(each.service_id) || each.service_id, row);
    element("td", statuses.get(each.status_id) || each.status_id, row);
    element("td", each.created, row);
    element("td", each.description || "", row);
  }
}

async function search(event, services, statuses) {
  event.preventDefault();
  const found = document.getElementById("found");
  const { response, value } = await call(event.target);
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
  form.addEventListener("submit", (event) => search(event, services, statuses));
}

start();
