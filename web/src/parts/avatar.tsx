/** A picture drawn from a name: its first letters on a colour of its own. The data set's pictures are long gone. */
export function Avatar({ name, size = 44 }: { readonly name: string; readonly size?: number }) {
  const hue = hueOf(name);
  return (
    <svg class="avatar" width={size} height={size} viewBox="0 0 44 44" aria-hidden="true" focusable="false">
      <rect width="44" height="44" rx="10" fill={`hsl(${hue} 45% 38%)`} />
      <circle
        cx={10 + (hue % 24)}
        cy={34 - (hue % 17)}
        r="17"
        fill={`hsl(${(hue + 40) % 360} 50% 46%)`}
        opacity="0.55"
      />
      <text
        x="22"
        y="23"
        fill="#fff"
        font-size="17"
        font-weight="600"
        text-anchor="middle"
        dominant-baseline="central"
      >
        {initialsOf(name)}
      </text>
    </svg>
  );
}

function initialsOf(name: string): string {
  const words = name.match(/[\p{L}\p{N}]+/gu) ?? [];
  const letters = words.slice(0, 2).map((word) => String.fromCodePoint(word.codePointAt(0)!));
  return letters.join('').toLocaleUpperCase() || '♪';
}

function hueOf(name: string): number {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)!) % 3_600;
  return hash % 360;
}
