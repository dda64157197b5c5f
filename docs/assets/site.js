// What the theme's own script makes of a page, mended for those who use it without a mouse or without seeing it.
// Each block of code has a bar of buttons: as a landmark each would need a name of its own. A table that is wider
// than the page scrolls: the keyboard must reach it.
function mend() {
  for (const bar of document.querySelectorAll("nav.md-code__nav")) {
    bar.setAttribute("role", "none");
    bar.removeAttribute("aria-label");
  }
  for (const table of document.querySelectorAll(".md-typeset__scrollwrap")) {
    if (table.scrollWidth > table.clientWidth) table.tabIndex = 0;
    else table.removeAttribute("tabindex");
  }
}
new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });
addEventListener("resize", mend);
mend();
