import type { ComponentChildren } from 'preact';

/** What may be wider than the screen: it scrolls by itself, and the page does not. */
export function Scrollable({
  label,
  children,
}: {
  readonly label: string;
  readonly children: ComponentChildren;
}) {
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- whoever has no mouse scrolls it by keys
    <div class="overflow-auto" role="region" aria-label={label} tabIndex={0}>
      {children}
    </div>
  );
}
