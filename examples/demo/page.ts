/** Text that is already HTML. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Part = string | number | Html | readonly Html[]

/** Builds HTML; every value that is not HTML itself is escaped. */
export function html(texts: TemplateStringsArray, ...values: readonly Part[]): Html {
  let out = texts[0] ?? ''
  values.forEach((value, i) => {
    out += render(value) + (texts[i + 1] ?? '')
  })
  return new Html(out)
}

function render(value: Part): string {
  if (value instanceof Html) return value.text
  if (typeof value === 'object') return value.map((item) => item.text).join('\n')
  return String(value).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}

/** A whole page. `accent` tells the two sites of the demo apart: the application and the identity provider. */
export function page(options: { title: string; accent: 'application' | 'provider'; body: Html }): string {
  const { title, accent, body } = options
  return html`<!doctype html>
    <html lang="en" data-site="${accent}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="icon" href="data:," />
        <style>
          ${new Html(STYLE)}
        </style>
      </head>
      <body>
        ${body}
      </body>
    </html>`.text
}

const STYLE = `
  :root {
    color-scheme: light dark;
    --hue: 232;
    --ink: light-dark(#1b1d28, #e9eaf2);
    --soft: light-dark(#5b6072, #a3a8bd);
    --paper: light-dark(#f5f6fb, #11131b);
    --card: light-dark(#fff, #1a1d28);
    --line: light-dark(#e0e3ef, #2c3040);
    --accent: light-dark(hsl(var(--hue) 62% 47%), hsl(var(--hue) 88% 76%));
    --on-accent: light-dark(#fff, #11131b);
    --wash: light-dark(hsl(var(--hue) 80% 96%), hsl(var(--hue) 32% 19%));
    --mono: ui-monospace, "SF Mono", "Cascadia Code", Menlo, "DejaVu Sans Mono", monospace;
  }
  [data-site='provider'] { --hue: 164; --accent: light-dark(hsl(164 75% 25%), hsl(164 60% 66%)); }
  * { box-sizing: border-box; margin: 0; }
  body {
    min-height: 100vh; color: var(--ink);
    background: radial-gradient(60rem 28rem at 50% -12rem, var(--wash), transparent 75%), var(--paper);
    font: 1rem/1.6 system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif;
    -webkit-font-smoothing: antialiased;
  }
  a { color: var(--accent); text-underline-offset: .2em; }
  :focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; border-radius: .4rem; }
  header, main, footer { width: min(60rem, 100% - 2.5rem); margin-inline: auto; }
  header { display: flex; align-items: center; gap: .75rem 1.75rem; flex-wrap: wrap; padding: 1.4rem 0; }
  header .brand { display: flex; align-items: center; gap: .6rem; font-weight: 650; color: inherit; text-decoration: none; margin-right: auto; }
  header nav { display: flex; gap: 1.4rem; flex-wrap: wrap; }
  header nav a { color: var(--soft); text-decoration: none; font-weight: 500; }
  header nav a:hover, header nav a[aria-current] { color: var(--ink); }
  header nav a[aria-current] { box-shadow: 0 2px var(--accent); }
  main { padding: 2.2rem 0 4rem; }
  main.narrow { width: min(27rem, 100% - 2.5rem); padding-top: 13vh; }
  footer { padding: 0 0 3rem; color: var(--soft); font-size: .875rem; }
  h1 { font-size: clamp(1.9rem, 5vw, 2.7rem); line-height: 1.15; letter-spacing: -.025em; font-weight: 680; text-wrap: balance; }
  h2 { font-size: 1.05rem; font-weight: 620; margin-bottom: .85rem; }
  .tag + h1, p + h1 { margin-top: .9rem; }
  .lead { color: var(--soft); font-size: 1.12rem; max-width: 40rem; margin: .9rem 0 2.1rem; text-wrap: pretty; }
  .grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(17rem, 100%), 1fr)); gap: 1.1rem; }
  .card { background: var(--card); border: 1px solid var(--line); border-radius: 1rem; padding: 1.5rem; box-shadow: 0 1px 2px rgb(20 24 50 / .05), 0 8px 24px -14px rgb(20 24 50 / .16); }
  a.card { color: inherit; text-decoration: none; transition: border-color .15s, translate .15s; }
  a.card:hover { border-color: var(--accent); translate: 0 -2px; }
  .card + .card.wide, .grid + .card { margin-top: 1.1rem; }
  .card p { color: var(--soft); }
  .card strong { font-weight: 620; }
  .tag { display: inline-block; padding: .12rem .6rem; border-radius: 1rem; background: var(--wash); color: var(--accent); font-size: .8rem; font-weight: 600; }
  .person { display: flex; align-items: center; gap: 1.1rem; }
  .person h1 { font-size: 1.75rem; }
  .person p { color: var(--soft); }
  .avatar { flex: none; display: grid; place-items: center; width: 3.9rem; aspect-ratio: 1; border-radius: 50%; color: #fff; font-weight: 650; font-size: 1.25rem; background: linear-gradient(140deg, hsl(var(--tone) 68% 50%), hsl(calc(var(--tone) + 45) 62% 38%)); }
  .avatar.small { width: 2.6rem; font-size: .95rem; }
  .button, button { font: inherit; font-weight: 600; cursor: pointer; border: 1px solid transparent; border-radius: .7rem; padding: .62rem 1.15rem; background: var(--accent); color: var(--on-accent); text-decoration: none; display: inline-block; }
  .button:hover, button:hover { filter: brightness(1.08); }
  button.quiet { background: transparent; color: var(--ink); border-color: var(--line); }
  button.choice { display: flex; align-items: center; gap: 1rem; width: 100%; text-align: left; background: var(--card); color: var(--ink); border-color: var(--line); padding: .85rem 1rem; margin-top: .75rem; border-radius: .9rem; }
  button.choice:hover { border-color: var(--accent); filter: none; }
  button.choice small { display: block; color: var(--soft); font-weight: 400; }
  .actions { display: flex; gap: .8rem; flex-wrap: wrap; margin-top: 1.6rem; }
  .scroll { overflow-x: auto; }
  table { width: 100%; border-collapse: collapse; }
  th, td { text-align: left; padding: .55rem .9rem .55rem 0; border-top: 1px solid var(--line); vertical-align: top; }
  tr:first-child > * { border-top: 0; }
  th { font-weight: 500; color: var(--soft); white-space: nowrap; }
  td, code { font-family: var(--mono); font-size: .9em; overflow-wrap: anywhere; }
  td.number { text-align: right; padding-right: 0; font-variant-numeric: tabular-nums; }
  .note { border-left: 3px solid var(--accent); padding: .1rem 0 .1rem 1rem; margin-top: 1.6rem; color: var(--soft); }
  @media (prefers-reduced-motion: reduce) { * { transition: none !important; } }
`
