/** An address that a page may link to; `null` for anything but http and https, whatever the data set says. */
export function webAddress(url: string): string | null {
  const parsed = URL.parse(url);
  return parsed !== null && (parsed.protocol === 'http:' || parsed.protocol === 'https:')
    ? parsed.href
    : null;
}
