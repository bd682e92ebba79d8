/** Text that is HTML already. */
export interface Html {
  readonly html: string;
}

type Child = string | number | Html | readonly Html[];

/** Makes HTML of a template: what is put in is escaped, unless it is {@link Html} itself. */
export function html(parts: TemplateStringsArray, ...children: readonly Child[]): Html {
  return {
    html: parts.map((part, i) => part + (i < children.length ? render(children[i]!) : '')).join(''),
  };
}

/** Takes markup as it is: only for what this program drew itself. */
export function trusted(markup: string): Html {
  return { html: markup };
}

function render(child: Child): string {
  if (typeof child === 'string' || typeof child === 'number') return escapeHtml(String(child));
  return 'html' in child ? child.html : child.map((part) => part.html).join('\n');
}

/** Escapes text for content and for quoted attributes. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
