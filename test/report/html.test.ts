import { describe, expect, it } from 'vitest';

import { escapeHtml, html, trusted } from '../../lib/report/html.ts';

describe('html', () => {
  it('escapes whatever is put in, in content and in attributes', () => {
    const evil = `"><script>alert('&')</script>`;
    expect(html`<a title="${evil}">${evil}</a>`.html).toBe(
      '<a title="&quot;&gt;&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;">' +
        '&quot;&gt;&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;</a>',
    );
    expect(escapeHtml('&amp;')).toBe('&amp;amp;');
  });

  it('takes its own parts, lists of them, numbers and what was drawn here as they are', () => {
    const items = [1, 2].map((n) => html`<i>${n}</i>`);
    expect(html`<b>${items}</b>${trusted('<hr>')}`.html).toBe('<b><i>1</i>\n<i>2</i></b><hr>');
  });
});
