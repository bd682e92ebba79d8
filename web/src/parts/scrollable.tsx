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
    <div class="overflow-auto" role="region" aria-label={label} tabIndex={0}>
      {children}
    </div>
  );
}
