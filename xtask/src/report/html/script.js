"use strict";
(() => {
  const form = document.querySelector(".filter");
  const verdict = document.getElementById("verdict");
  const text = document.getElementById("text");
  const shown = document.getElementById("shown");
  const cells = [...document.querySelectorAll("details.cell")];
  const places = new Map([...document.querySelectorAll("a[data-cell]")].map((link) => [link.dataset.cell, link]));
  // What a cell tells never changes, so it is read once, when it is first asked for.
  const told = new Map();
  const tells = (cell) => {
    if (!told.has(cell)) told.set(cell, cell.textContent.toLowerCase());
    return told.get(cell);
  };

  const filter = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let number = 0;
    for (const cell of cells) {
      const stands = !verdict.value || cell.dataset.standing === verdict.value;
      const fits = stands && words.every((word) => tells(cell).includes(word));
      cell.hidden = !fits;
      const place = places.get(cell.dataset.cell);
      if (place) place.classList.toggle("filtered", !fits);
      if (fits) number += 1;
    }
    shown.textContent = `${number} of ${cells.length} shown`;
  };

  // Anybody may type an address, and not all of them can be decoded.
  const named = (hash) => {
    try {
      return decodeURIComponent(hash);
    } catch {
      return hash;
    }
  };

  const open = () => {
    const inside = document.getElementById(named(location.hash.slice(1)));
    const cell = inside && inside.closest("details.cell");
    if (!cell) return;
    if (cell.hidden) form.reset();
    cell.open = true;
    const summary = cell.querySelector("summary");
    summary.focus({ preventScroll: true });
    cell.scrollIntoView();
  };

  // Not every browser lets the keyboard into what scrolls.
  const reach = () => {
    for (const box of document.querySelectorAll(".wide, pre")) {
      const scrolls = box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight;
      box.toggleAttribute("tabindex", false);
      if (scrolls) box.tabIndex = 0;
    }
  };

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  verdict.addEventListener("change", filter);
  text.addEventListener("input", filter);
  addEventListener("hashchange", open);
  // Another click on the link that leads to where one is already changes no address.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (link && link.hash === location.hash) open();
  });

  addEventListener("resize", reach);
  document.addEventListener("toggle", reach, true);

  form.hidden = false;
  filter();
  reach();
  open();
})();
