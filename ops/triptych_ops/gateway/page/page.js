"use strict";

const LARGEST_BYTES = 20 * 1024 * 1024;
const TYPES = /*mime-types*/;
const PATIENCE_MS = 30000;

const at = (id) => document.getElementById(id);
const frame = at("frame"), picture = at("picture"), video = at("video"), camera = at("camera"), cancel = at("cancel");

let shown = null; // URL of the picture in the frame
let last = null; // the last picture, to try again
let asking = null; // AbortController of the question under way
let stream = null; // of the camera

const seconds = (value) => (value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(1)} s`);
const percent = (score) => `${(score * 100).toFixed(score < 0.0995 ? 1 : 0)} %`;
const size = (bytes) => (bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

function say(words, { quiet = !words } = {}) {
  at("status").textContent = words;
  at("status").classList.toggle("quiet", quiet); // for those who listen: the others see it
}

function fail(words, retry) {
  say("");
  frame.classList.remove("busy");
  at("answer").hidden = true;
  at("error-words").textContent = words;
  at("again").hidden = !retry;
  at("error").hidden = false;
}

function show(blob) {
  if (shown) URL.revokeObjectURL(shown);
  shown = URL.createObjectURL(blob);
  picture.src = shown;
  picture.alt = blob.name ? `Your picture, ${blob.name}` : "Your picture";
  picture.hidden = false;
  at("invitation").hidden = true;
  frame.classList.add("filled");
}

picture.addEventListener("error", () => { // not for this browser to show; the server may know better
  picture.hidden = true;
  at("invitation").hidden = false;
  frame.classList.remove("filled");
});

function words(response, problem) {
  if (problem && problem.detail) {
    const sentence = problem.detail.charAt(0).toUpperCase() + problem.detail.slice(1);
    return `${problem.title}. ${sentence}${/[.!?]$/.test(sentence) ? "" : "."}`;
  }
  return `The server answered with status ${response.status}.`;
}

async function classify(blob) {
  if (asking) asking.abort();
  const mine = (asking = new AbortController());
  const timer = setTimeout(() => mine.abort("late"), PATIENCE_MS);
  stopCamera();
  last = blob;
  at("error").hidden = true;
  at("answer").hidden = true;
  show(blob);
  if (blob.size > LARGEST_BYTES) {
    clearTimeout(timer);
    fail(`This picture has ${size(blob.size)}; 20 MB are the most that is accepted.`, false);
    return;
  }
  frame.classList.add("busy");
  say("Looking at the picture…");
  const body = await blob.arrayBuffer().catch(() => null);
  if (mine !== asking) return;
  if (!body) {
    clearTimeout(timer);
    fail("This file cannot be read.", true);
    return;
  }
  const began = performance.now();
  try {
    const type = TYPES.includes(blob.type) ? blob.type : "application/octet-stream";
    const response = await fetch("classify", { method: "POST", body, headers: { "Content-Type": type }, signal: mine.signal });
    const document_ = await response.json().catch(() => null);
    if (mine !== asking) return;
    if (!response.ok || !document_) fail(words(response, document_), response.status >= 500 || response.status === 429);
    else answer(document_, blob, (performance.now() - began) / 1000);
  } catch (error) {
    if (mine !== asking) return;
    const late = mine.signal.aborted;
    fail(late ? "There was no answer in time." : "The gateway cannot be reached. Is it still running?", true);
  } finally {
    clearTimeout(timer);
  }
}

function answer(document_, blob, elapsed) {
  frame.classList.remove("busy");
  const best = document_.predictions[0];
  at("best").textContent = best.label;
  const bars = document_.predictions.map((prediction) => {
    const item = document.createElement("li");
    const name = document.createElement("span");
    const share = document.createElement("span");
    const track = document.createElement("div");
    const bar = document.createElement("div");
    name.className = "name";
    name.textContent = prediction.label;
    share.className = "percent";
    share.textContent = percent(prediction.score);
    track.className = "track";
    track.setAttribute("aria-hidden", "true");
    bar.className = "bar";
    bar.style.width = "0";
    requestAnimationFrame(() => { bar.style.width = `${Math.max(0, Math.min(1, prediction.score)) * 100}%`; });
    track.append(bar);
    item.append(name, share, track);
    return item;
  });
  at("labels").replaceChildren(...bars);
  at("release").textContent = document_.release;
  at("time").textContent = `${seconds(elapsed)}, the server ${seconds(document_.elapsed_s)}`;
  at("size").textContent = picture.naturalWidth ? `${picture.naturalWidth} × ${picture.naturalHeight}, ${size(blob.size)}` : size(blob.size);
  at("answer").hidden = false;
  say(`${best.label}, ${percent(best.score)}`, { quiet: true });
}

function take(files) {
  const file = [...files].find((each) => each.type.startsWith("image/")) || files[0];
  if (file) classify(file);
  return Boolean(file);
}

at("file").addEventListener("change", (event) => {
  take(event.target.files);
  event.target.value = ""; // the same file again is a change, too
});
at("again").addEventListener("click", () => last && classify(last));

let depth = 0; // of the elements that are dragged over
const hasFiles = (event) => event.dataTransfer && [...event.dataTransfer.types].includes("Files");
addEventListener("dragenter", (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  depth += 1;
  frame.classList.add("over");
});
addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
addEventListener("dragleave", () => {
  depth = Math.max(0, depth - 1);
  if (!depth) frame.classList.remove("over");
});
addEventListener("drop", (event) => {
  event.preventDefault(); // anywhere: the browser would leave the page for the picture
  depth = 0;
  frame.classList.remove("over");
  if (!take(event.dataTransfer.files)) fail("That is no picture file. Save it first, and drop the file.", false);
});
addEventListener("paste", (event) => {
  if (take(event.clipboardData.files)) event.preventDefault();
  else fail("There is no picture to paste. Copy a picture, not its address.", false);
});

function stopCamera() {
  if (!stream) return;
  for (const track of stream.getTracks()) track.stop();
  stream = video.srcObject = null;
  video.hidden = cancel.hidden = true;
  camera.textContent = "Use the camera";
  if (shown) picture.hidden = false;
  else {
    at("invitation").hidden = false;
    frame.classList.remove("filled");
  }
}

async function startCamera() {
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    video.srcObject = stream;
    video.hidden = cancel.hidden = false;
    picture.hidden = at("invitation").hidden = true;
    frame.classList.add("filled");
    at("error").hidden = at("answer").hidden = true;
    camera.textContent = "Take the picture";
    say("The camera is on.");
    await video.play();
  } catch (error) {
    stopCamera();
    fail(error.name === "NotAllowedError" ? "The browser may not use the camera." : "No camera can be used here.", false);
  }
}

function takeFrame() {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  canvas.toBlob((blob) => (blob ? classify(blob) : fail("The camera gave no picture.", false)), "image/jpeg", 0.9);
}

camera.addEventListener("click", () => (stream ? takeFrame() : startCamera()));
cancel.addEventListener("click", () => {
  stopCamera();
  say("");
});
addEventListener("keydown", (event) => event.key === "Escape" && stream && cancel.click());
addEventListener("pagehide", stopCamera);

if (navigator.mediaDevices && navigator.mediaDevices.getUserMedia) { // in secure contexts, which loopback is
  navigator.mediaDevices
    .enumerateDevices()
    .then((devices) => { camera.hidden = !devices.some((device) => device.kind === "videoinput"); })
    .catch(() => {});
}
