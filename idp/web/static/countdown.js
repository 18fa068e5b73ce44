// Counts down what is left to confirm; the time itself is the server's and is written beside it.
"use strict";
for (const clock of document.querySelectorAll("[data-countdown]")) {
  const end = performance.now() + Number(clock.dataset.countdown) * 1000;
  const tick = () => {
    const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
    clock.textContent = `${String(Math.floor(left / 60)).padStart(2, "0")}:${String(left % 60).padStart(2, "0")}`;
    if (left === 0) {
      clearInterval(running);
      location.assign(clock.dataset.over);
    }
  };
  const running = setInterval(tick, 500);
  clock.hidden = false;
  tick();
}
