import { Link } from 'wouter-preact';
import { signed } from '../../parts/format.ts';
import type { ListedArtist } from './use-list.ts';

type Explanation = NonNullable<ListedArtist['explanation']>;

/** Why an artist is listed: what sets its score apart from the listener's other candidates, group by group, exactly. */
export function Why({ name, explanation }: { readonly name: string; readonly explanation: Explanation }) {
  const { groups, listened, sharedTags } = explanation;
  return (
    <details class="why">
      <summary>
        <Bar groups={groups} />
        <span class="why-text">{explanation.text}</span>
      </summary>
      <table class="why-table">
        <caption class="muted">What lifts {name} above your other candidates, or holds it back</caption>
        <thead>
          <tr>
            <th scope="col">Part of the score</th>
            <th scope="col">Sets it apart</th>
            <th scope="col">In the logit</th>
          </tr>
        </thead>
        <tbody>
          {groups.map(({ group, label, percent, value }) => (
            <tr key={group}>
              <th scope="row">
                <span class={`dot dot-${group}`} aria-hidden="true" /> {label}
              </th>
              <td>{signed(percent, 0)} %</td>
              <td>{signed(value, 3)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {listened.length === 0 ? null : (
        <p>
          Of what you play, most speaks through{' '}
          {listened.map(({ artistId, name: heard, percent }, i) => (
            <span key={artistId}>
              {i === 0 ? '' : ', '}
              <Link href={`/similar/${encodeURIComponent(artistId)}`}>{heard}</Link> ({Math.round(percent)} %)
            </span>
          ))}
          .
        </p>
      )}
      {sharedTags.length === 0 ? null : (
        <p>
          What their tags have in common:{' '}
          {sharedTags.map(({ tag, percent }) => `${tag} (${Math.round(percent)} %)`).join(', ')}.
        </p>
      )}
    </details>
  );
}

/** What speaks for it to the right of the mark, what against it to the left, to one scale. */
function Bar({ groups }: { readonly groups: Explanation['groups'] }) {
  const parts = (sign: 1 | -1, most: number) =>
    groups
      .filter(({ percent }) => percent * sign > 0)
      .map(({ group, percent }) => (
        <span
          key={group}
          class={`part part-${group}`}
          style={{ width: `${(100 * percent * sign) / most}%` }}
        />
      ));
  return (
    <span class="why-bar" aria-hidden="true">
      <span class="why-against">{parts(-1, MOST_AGAINST)}</span>
      <span class="why-for">{parts(1, 100)}</span>
    </span>
  );
}

/** Per cent for which there is room to the left, half of that to the right: what is recommended has more for it. */
const MOST_AGAINST = 50;
