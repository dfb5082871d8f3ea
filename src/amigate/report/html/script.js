"use strict";
(() => {
  const form = document.querySelector(".filters");
  const search = document.getElementById("search");
  const severity = document.getElementById("severity");
  const witness = document.getElementById("witness");
  const chips = [...document.querySelectorAll(".chip")];
  const rules = [...document.querySelectorAll("details.rule")];
  const groups = [...document.querySelectorAll(".group")];
  const found = rules.map((rule) => ({
    rule,
    head: rule.querySelector("summary").textContent.toLowerCase(),
    text: rule.textContent.toLowerCase(),
    witnesses: rule.dataset.witnesses.split(" "),
    findings: [...rule.querySelectorAll(".finding")].map((item) => [item, item.textContent.toLowerCase()]),
    more: rule.querySelector("details.more"),
  }));

  const fits = (each, words, statuses) =>
    (statuses.length === 0 || statuses.includes(each.rule.dataset.status)) &&
    (severity.value === "" || each.rule.dataset.severity === severity.value) &&
    (witness.value === "" || each.witnesses.includes(witness.value)) &&
    words.every((word) => each.text.includes(word));

  // Of a rule whose findings hold the words, the other findings are left out; they stay where the rule itself does.
  const narrow = (each, words) => {
    const holds = ([, text]) => words.every((word) => text.includes(word));
    const some = words.length > 0 && !words.every((word) => each.head.includes(word)) && each.findings.some(holds);
    each.findings.forEach((finding) => { finding[0].hidden = some && !holds(finding); });
    if (each.more) each.more.open = some && [...each.more.querySelectorAll(".finding")].some((item) => !item.hidden);
  };

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const statuses = chips.filter((chip) => chip.ariaPressed === "true").map((chip) => chip.dataset.filter);
    let shown = 0;
    found.forEach((each) => {
      each.rule.hidden = !fits(each, words, statuses);
      if (each.rule.hidden) return;
      shown += 1;
      narrow(each, words);
    });
    groups.forEach((group) => { group.hidden = !group.querySelector("details.rule:not([hidden])"); });
    document.getElementById("none").hidden = shown > 0;
    document.getElementById("shown").textContent = `${shown} of ${rules.length} rules shown`;
  };

  const openAll = (open) => found.forEach((each) => { if (!each.rule.hidden) each.rule.open = open; });

  const follow = () => {
    const rule = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!rule || !rule.matches("details.rule")) return;
    if (rule.hidden) { form.reset(); }
    rule.open = true;
    rule.scrollIntoView();
    rule.querySelector("summary").focus({ preventScroll: true });
  };

  const copied = (button) => {
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  };

  document.querySelectorAll("pre.command").forEach((pre) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy: ${pre.textContent}`);
    button.addEventListener("click", () => {
      navigator.clipboard?.writeText(pre.textContent).then(() => copied(button), () => {});
    });
    const frame = document.createElement("div");
    frame.className = "with-copy";
    pre.replaceWith(frame);
    frame.append(pre, button);
  });

  chips.forEach((chip) => chip.addEventListener("click", () => {
    chip.ariaPressed = String(chip.ariaPressed !== "true");
    filter();
  }));
  search.addEventListener("input", filter);
  severity.addEventListener("change", filter);
  witness.addEventListener("change", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => {
    chips.forEach((chip) => { chip.ariaPressed = "false"; });
    setTimeout(filter);
  });
  document.getElementById("open-all").addEventListener("click", () => openAll(true));
  document.getElementById("close-all").addEventListener("click", () => openAll(false));

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")].filter((each) => !each.matches(".tone-pass, .tone-not-applicable"));
    closed.forEach((each) => { each.open = true; });
  });
  addEventListener("afterprint", () => closed.forEach((each) => { each.open = false; }));
  addEventListener("hashchange", follow);
  addEventListener("load", follow); // not before: the browser would take the focus away again

  form.hidden = false;
  filter();
})();
