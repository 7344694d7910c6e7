"use strict";
(() => {
  const root = document.documentElement;
  const tools = document.querySelector(".tools");
  let shown = 0;

  const say = () => {
    if (!tools) return;
    const open = document.querySelectorAll("button.cover[aria-pressed='true']").length;
    const cards = document.querySelectorAll(".card").length;
    const hidden = document.querySelectorAll(".card[hidden]").length;
    tools.elements.said.textContent =
      `${cards - hidden} of ${cards} items; ${open} uncovered now, ${shown} since the page was opened`;
  };

  const lay = (button) => {
    if (button.getAttribute("aria-pressed") !== "true") return;
    button.setAttribute("aria-pressed", "false");
    for (const picture of button.querySelectorAll("img")) picture.remove();
  };

  const lift = (button) => {
    if (button.getAttribute("aria-pressed") === "true") return;
    const picture = document.createElement("img");
    picture.alt = button.dataset.label;
    picture.src = "data:image/jpeg;base64," + button.dataset.jpeg;
    button.append(picture);
    button.setAttribute("aria-pressed", "true");
    shown += 1;
  };

  const agree = () => {
    for (const all of document.querySelectorAll("button.all")) {
      const covers = [...all.closest(".storyboard").querySelectorAll("button.cover")];
      const open = covers.some((cover) => cover.getAttribute("aria-pressed") === "true");
      all.setAttribute("aria-pressed", String(open));
      all.textContent = open ? "Cover all" : "Show all";
    }
    say();
  };

  const coverAll = () => {
    for (const button of document.querySelectorAll("button.cover")) lay(button);
    agree();
  };

  const filter = () => {
    const { find, kind, state, problems } = tools.elements;
    const word = find.value.trim().toLowerCase();
    for (const card of document.querySelectorAll(".card")) {
      const own = card.dataset;
      card.hidden =
        (word !== "" && !own.find.includes(word)) ||
        (kind.value !== "" && own.kind !== kind.value) ||
        (state.value !== "" && own.state !== state.value) ||
        (problems.checked && own.problems === "0");
      if (card.hidden) for (const button of card.querySelectorAll("button.cover")) lay(button);
    }
    for (const group of document.querySelectorAll(".group"))
      group.hidden = group.querySelector(".card:not([hidden])") === null;
    agree();
  };

  const manner = () => {
    root.classList.remove("blurred", "grey", "plain");
    root.classList.add(tools.elements.manner.value);
  };

  document.addEventListener("click", (event) => {
    const cover = event.target.closest("button.cover");
    const all = event.target.closest("button.all");
    if (cover) {
      (cover.getAttribute("aria-pressed") === "true" ? lay : lift)(cover);
      agree();
    } else if (all) {
      const act = all.getAttribute("aria-pressed") === "true" ? lay : lift;
      for (const one of all.closest(".storyboard").querySelectorAll("button.cover")) act(one);
      agree();
    } else if (event.target.closest(".cover-all")) {
      coverAll();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") coverAll();
  });
  window.addEventListener("beforeprint", coverAll);
  window.addEventListener("pagehide", coverAll);
  window.addEventListener("hashchange", () => {
    const target = document.getElementById(location.hash.slice(1));
    if (tools && target && target.closest("[hidden]")) {
      tools.reset();
      manner();
      filter();
      target.scrollIntoView();
    }
  });
  if (tools) {
    tools.addEventListener("submit", (event) => event.preventDefault());
    tools.addEventListener("input", () => {
      manner();
      filter();
    });
    tools.hidden = false;
    manner();
    say();
  }
  root.dataset.ready = "yes";
})();
