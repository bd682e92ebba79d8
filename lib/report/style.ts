/** The style sheet of the report: light, and dark where the reader's system is. */
export const STYLE = `
:root {
  --paper: #ffffff; --card: #f7f8fa; --ink: #1c2430; --muted: #566070; --rule: #d5dae1; --accent: #1d4ed8;
  --series-0: #1d4ed8; --series-1: #c2410c; --series-2: #0b7a55; --series-3: #8b2fc9;
  --series-4: #8a6500; --series-5: #be185d; --series-6: #0e7490; --series-7: #57534e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #12161d; --card: #1a202a; --ink: #e7eaf0; --muted: #a5afbe; --rule: #39424f; --accent: #8ab0ff;
    --series-0: #8ab0ff; --series-1: #ff9f68; --series-2: #52d6a2; --series-3: #cfa3ff;
    --series-4: #efcb55; --series-5: #ff92c2; --series-6: #5ed3ea; --series-7: #c9c4bd;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
header, main { max-width: 1240px; margin: 0 auto; padding: 0 16px; }
header { padding-top: 24px; }
h1 { font-size: 1.6rem; margin: 0 0 8px; }
h2 { font-size: 1.2rem; margin: 40px 0 8px; }
h3 { font-size: 1rem; margin: 0 0 8px; }
p, dl { margin: 8px 0; max-width: 75ch; }
.lead { font-size: 1.1rem; }
.scroll { overflow-x: auto; margin: 16px 0; border: 1px solid var(--rule); border-radius: 6px; }
.scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: 0.85rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: 8px 10px; position: sticky; left: 0; }
th, td { text-align: left; padding: 5px 10px; border-top: 1px solid var(--rule); white-space: nowrap; vertical-align: top; }
td small { display: block; color: var(--muted); font-size: 0.9em; }
thead th { color: var(--muted); font-weight: 500; vertical-align: bottom; }
tbody th { font-weight: 600; position: sticky; left: 0; background: var(--paper); }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(370px, 100%), 1fr)); gap: 16px; }
figure { margin: 0; padding: 12px; background: var(--card); border: 1px solid var(--rule); border-radius: 6px; min-width: 0; }
figure svg { display: block; width: 100%; height: auto; max-width: 440px; }
figcaption { color: var(--muted); font-size: 0.85rem; margin-top: 8px; }
summary { cursor: pointer; color: var(--accent); margin: 8px 0; }
dt { font-weight: 600; margin-top: 12px; }
dd { margin: 0; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: 12px; background: var(--card); border: 1px solid var(--rule); border-radius: 6px; font-size: 0.85rem; }
@media (max-width: 420px) { header, main { padding-left: 10px; padding-right: 10px; } figure { padding: 8px 4px; } figure h3, figcaption { padding: 0 4px; } }
`;
