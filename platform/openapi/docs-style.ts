/** The style sheet of the page: one column on narrow screens, otherwise with the list of operations on the left. */
export const DOCS_STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d5d9e0, #39404d); --soft: light-dark(#4b5566, #aab4c4);
  --link: light-dark(#0b57b7, #8ab8ff); --box: light-dark(#f5f7fa, #1b212b); }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 78rem; padding: 1rem; font: 1rem/1.55 system-ui, sans-serif;
  color: light-dark(#1a2130, #e8ecf3); background: light-dark(#fff, #12161d); overflow-wrap: anywhere; }
a { color: var(--link); } a:focus-visible, summary:focus-visible, [tabindex]:focus-visible { outline: 3px solid var(--link); }
h1 { font-size: 1.75rem; margin: 0 0 .5rem; } h2 { font-size: 1.25rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1.05rem; margin: 0; } h3 a { color: inherit; text-decoration: none; } h3 a:hover { text-decoration: underline; }
nav h2 { font-size: 1rem; margin: 1rem 0 .25rem; } nav ul { list-style: none; margin: 0; padding: 0; }
nav a { display: inline-block; padding: .25rem 0; }
section { border-top: 1px solid var(--line); padding: 1.25rem 0; scroll-margin-top: 1rem; }
section p { margin: .4rem 0; } .route { font-size: .95rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .875rem; }
.method { font: 600 .8125rem/1 ui-monospace, monospace; border: 1px solid var(--line); border-radius: 4px; padding: .15rem .4rem; }
.who { color: var(--soft); font-size: .9375rem; } main > h2 { border-bottom: 2px solid var(--line); padding-bottom: .25rem; }
main > h2:first-child { margin-top: 0; } h2 + section { border-top: 0; } :target { background: var(--box); box-shadow: 0 0 0 .75rem var(--box); }
details { border-radius: 6px; } pre { border-radius: 6px; background: var(--box); padding: .75rem; overflow-x: auto;
  -webkit-user-select: all; user-select: all; }
.scroll { overflow-x: auto; margin: .75rem 0; } table { border-collapse: collapse; width: 100%; }
caption { text-align: left; font-weight: 600; padding: .25rem 0; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); }
tbody th { font-weight: 400; min-width: 9rem; } tbody th code { overflow-wrap: normal; } td { min-width: 7rem; } i { color: var(--soft); font-size: .875rem; }
summary { cursor: pointer; padding: .25rem 0; } dl { display: grid; grid-template-columns: auto 1fr; gap: .25rem 1rem; margin: .5rem 0; }
dd { margin: 0; }
@media (max-width: 40rem) {
  nav { max-height: 45vh; overflow-y: auto; border: 1px solid var(--line); border-radius: 6px; padding: 0 .75rem .75rem; }
  thead { display: none; } tr, tbody th, td { display: block; padding: 0; border: 0; } td:empty { display: none; }
  tr { padding: .5rem 0; border-bottom: 1px solid var(--line); } tbody td:first-of-type { color: var(--soft); }
}
@media (min-width: 64rem) {
  body { display: grid; grid-template-columns: 17rem minmax(0, 1fr); column-gap: 2.5rem; }
  header { grid-column: 1 / -1; max-width: 48rem; }
  nav { position: sticky; top: 1rem; max-height: calc(100vh - 2rem); overflow-y: auto; align-self: start; }
}
`;
