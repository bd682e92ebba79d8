import type { Interval } from '@encore/core/train';

import type { Timing } from './evaluation-report.ts';

/** A figure with its interval: the mean to four digits, the bounds to three. */
export function withInterval({ mean, low, high }: Interval): string {
  return `${mean.toFixed(4)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
}

/** A difference with its interval, all with their sign. */
export function signedInterval({ mean, low, high }: Interval): string {
  return `${signed(mean)} [${signed(low)}, ${signed(high)}]`;
}

/** Four digits after the point, with a sign. */
export function signed(x: number): string {
  const text = x.toFixed(4);
  // Neither +0.0000 nor -0.0000: there is no sign to tell.
  if (Number(text) === 0) return '0.0000';
  return x > 0 ? `+${text}` : text.replace('-', '−');
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}

export function count(n: number): string {
  return n.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

export function seconds(s: number): string {
  return `${s < 10 ? s.toFixed(1) : s.toFixed(0)} s`;
}

/** How long a model took; a dash where nobody took the time (its threads did not start). */
export function modelSeconds({ models }: Timing, model: string): string {
  const found = models.find((entry) => entry.model === model);
  return found === undefined ? '–' : seconds(found.seconds);
}

/** Breaks text between words, so that no line is longer than `width` unless a word is. */
export function wrapped(text: string, width: number): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines.join('\n');
}

/** Rows under a header, columns padded to their widest cell. */
export function textTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, c) => Math.max(title.length, ...rows.map((row) => row[c]!.length)));
  return [header, ...rows]
    .map((cells) =>
      cells
        .map((cell, c) => cell.padEnd(widths[c]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
