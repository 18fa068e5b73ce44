// Files are dropped, seen on their way, and held for the signed revision; without this file the
// same forms work as they are.
"use strict";
let held = [];

function start(root) {
  const form = root.querySelector("#verify-form");
  if (form) choose(form);
  for (const one of root.querySelectorAll("form.revision")) revision(one);
}

function choose(form) {
  const input = form.querySelector("#file"), zone = form.querySelector("#drop");
  const list = form.querySelector("#chosen"), box = form.querySelector("#file-problem");
  const say = (text) => {
    box.hidden = !text;
    box.querySelector("p").textContent = text || "";
  };
  const sized = (bytes) => bytes < 1e6 ? `${Math.max(1, Math.ceil(bytes / 1e3))} KB`
    : `${(bytes / 1e6).toLocaleString(document.documentElement.lang, {maximumFractionDigits: 1})} MB`;
  const fault = (files) => {
    if (files.length > Number(form.dataset.mostFiles)) return form.dataset.textTooMany;
    const large = files.find((file) => file.size > Number(form.dataset.mostBytes));
    return large ? `${large.name}: ${form.dataset.textTooLarge}` : "";
  };
  const show = () => {
    const files = [...input.files];
    list.replaceChildren(...files.map((file) => {
      const row = document.createElement("li"), name = document.createElement("span");
      const size = document.createElement("small");
      name.textContent = file.name;
      size.textContent = sized(file.size);
      row.append(name, size);
      return row;
    }));
    list.hidden = files.length === 0;
    say(fault(files));
  };
  // Words of ours instead of the browser's, which may be in another language.
  form.noValidate = true;
  for (const one of form.querySelectorAll(".drop-hint, .picker .btn")) one.hidden = false;
  zone.classList.add("active");
  input.addEventListener("change", show);
  for (const name of ["dragenter", "dragover"]) {
    document.addEventListener(name, (event) => {
      if (!form.isConnected) return;
      event.preventDefault();
      zone.classList.add("over");
    });
  }
  for (const name of ["dragleave", "drop"]) {
    document.addEventListener(name, () => zone.classList.remove("over"));
  }
  document.addEventListener("drop", (event) => {
    if (!form.isConnected) return;
    event.preventDefault();
    const taken = new DataTransfer();
    let folder = false;
    const items = [...(event.dataTransfer.items || [])].filter((item) => item.kind === "file");
    for (const item of items) {
      const entry = item.webkitGetAsEntry ? item.webkitGetAsEntry() : null;
      if (entry && entry.isDirectory) folder = true;
      else taken.items.add(item.getAsFile());
    }
    if (!items.length) for (const file of event.dataTransfer.files) taken.items.add(file);
    if (taken.files.length) input.files = taken.files;
    show();
    if (folder) say(form.dataset.textFolder);
    else if (taken.files.length && !fault([...taken.files])) form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const files = [...input.files], wrong = files.length ? fault(files) : form.dataset.textNone;
    say(wrong);
    if (!wrong) send(form, files, say);
    else delete form.dataset.sent;
  });
}

function send(form, files, say) {
  const line = form.querySelector("#progress"), text = form.querySelector("#progress-text");
  const bar = form.querySelector("#progress-bar"), button = form.querySelector("#verify-submit");
  const asked = new XMLHttpRequest();
  asked.open("POST", form.action);
  asked.setRequestHeader("Accept", "text/html");
  asked.responseType = "document";
  line.hidden = false;
  text.textContent = form.dataset.textSending;
  bar.value = 0;
  button.disabled = true;
  const stop = () => {
    line.hidden = true;
    button.disabled = false;
    delete form.dataset.sent;
  };
  asked.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) bar.value = 100 * event.loaded / event.total;
  });
  asked.upload.addEventListener("load", () => {
    text.textContent = form.dataset.textChecking;
    bar.removeAttribute("value");
  });
  asked.addEventListener("error", () => {
    stop();
    say(form.dataset.textFailed);
  });
  asked.addEventListener("load", () => {
    stop();
    if (!asked.response) {
      say(form.dataset.textFailed);
      return;
    }
    held = files;
    replace(asked.response);
    const input = document.querySelector("#file");
    if (input) { // something else was wrong: nobody need look for the files again
      input.files = packed(files);
      input.dispatchEvent(new Event("change"));
    } else {
      history.pushState({checked: true}, "");
    }
  });
  asked.send(new FormData(form));
}

function packed(files) {
  const all = new DataTransfer();
  for (const file of files) all.items.add(file);
  return all.files;
}

// The answer takes the place of the question; the address stays, and a reload asks anew.
function replace(answer) {
  document.title = answer.title;
  const main = document.querySelector("main");
  main.replaceChildren(...answer.querySelector("main").childNodes);
  window.scrollTo(0, 0);
  (main.querySelector("h1[tabindex]") || main).focus({preventScroll: true});
  start(main);
}

// The browser still has the file: nobody need look for it a second time.
function revision(form) {
  const file = held[Number(form.dataset.file)];
  if (!file) return;
  form.querySelector("input[type=file]").files = packed([file]);
  form.querySelector(".again").hidden = true;
  form.target = "_blank";
}

// Back from an answer is the question again, and not the page before.
addEventListener("popstate", (event) => {
  if (!event.state && !location.hash && held.length) location.reload();
});
if (document.querySelector("#verify-form")) history.replaceState(null, "");

start(document);
