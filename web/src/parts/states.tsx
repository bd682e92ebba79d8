import type { ComponentChildren } from 'preact';
import type { ApiProblem } from '../api/client.ts';
import { sentence } from './format.ts';

/** Stands for what is still to come, as tall as it will be: nothing moves when it is there. */
export function Loading({ rows, label }: { readonly rows: number; readonly label: string }) {
  return (
    <div class="skeleton" role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} class="skeleton-row" />
      ))}
    </div>
  );
}

/** What there is to see where nothing is, and what to do about it. */
export function Empty({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ComponentChildren;
}) {
  return (
    <section class="state">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

/** Why something is not there, and a way to try again. */
export function Failed({
  what,
  problem,
  again,
}: {
  /** What could not be had, as the subject of a sentence: `The list`. */
  readonly what: string;
  readonly problem: Pick<ApiProblem, 'status' | 'message'>;
  readonly again?: () => void;
}) {
  return (
    <section class="state failed" role="alert">
      <h2>{what} could not be loaded</h2>
      <p>{reasonOf(problem)}</p>
      {again === undefined ? null : (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </section>
  );
}

function reasonOf({ status, message }: Pick<ApiProblem, 'status' | 'message'>): string {
  switch (status) {
    case 0:
      return 'The service does not answer. It may be starting, or your connection is gone.';
    case 401:
      return 'You are not signed in, or no longer.';
    case 403:
      return 'You may not see this: it is for those who run the service.';
    case 503:
      return 'The service is busy or still starting. It usually works again in a few seconds.';
    default:
      return sentence(message);
  }
}
