/** Lines of a name at most. */
const MOST_LINES = 2;

/**
 * A name in one line or two that are about as wide as there is room for, with `…` for what has none.
 *
 * @param room - In ems.
 */
export function wrapName(name: string, room: number): readonly string[] {
  const lines: string[] = [];
  for (const word of name.split(/\s+/u).filter((word) => word !== '')) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(`${last} ${word}`) <= room) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  if (lines.length > MOST_LINES)
    lines.splice(MOST_LINES - 1, Infinity, lines.slice(MOST_LINES - 1).join(' '));
  return lines.map((line) => cut(line, room));
}

function cut(line: string, room: number): string {
  if (widthOf(line) <= room) return line;
  const characters = Array.from(CHARACTERS.segment(line), ({ segment }) => segment);
  while (characters.length > 1 && widthOf(`${characters.join('')}…`) > room) characters.pop();
  return `${characters.join('').trimEnd()}…`;
}

/** About how wide a text is in a sans-serif font, in ems; rather too much than too little. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) {
    if (MARK.test(character)) continue;
    if (FULL_WIDTH.test(character)) width += 1;
    else if (WIDE_LETTER.test(character)) width += 0.85;
    else if (NARROW_LETTER.test(character)) width += 0.32;
    else width += /\p{Lu}/u.test(character) ? 0.7 : 0.57;
  }
  return width;
}

const CHARACTERS = new Intl.Segmenter();
const MARK = /\p{M}/u;
const FULL_WIDTH =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Extended_Pictographic}…—]/u;
const WIDE_LETTER = /[MWmw@%]/u;
const NARROW_LETTER = /[ iIjlt.,:;'!|()[\]]/u;
