import { useState } from 'preact/hooks';
import { ApiProblem } from '../../api/client.ts';
import { useAnswer } from '../../api/use-answer.ts';
import { withArtist } from '../../listener.ts';
import { Avatar } from '../../parts/avatar.tsx';
import { count, counted, sentence } from '../../parts/format.ts';
import { Empty, Failed, Loading } from '../../parts/states.tsx';
import { useSettled } from '../../parts/use-settled.ts';
import type { View } from '../view.ts';
import { PLAIN, withTags, type Knobs } from './ask-list.ts';
import { KnobsForm } from './knobs.tsx';
import './listen.css';
import { ListedArtistItem } from './listed-artist.tsx';
import { sendFeedback, type Feedback } from './send-feedback.ts';
import { useHidden } from './use-hidden.ts';
import { useList, type List, type ListedArtist } from './use-list.ts';
import { WhoseList } from './whose-list.tsx';

/** Who would like what next, and why: the page's first view. */
export function ListenView(view: View) {
  const { listening } = view;
  const [knobs, setKnobs] = useState(PLAIN);
  // Where there is no room beside the list the list comes first.
  const [isWide] = useState(() => matchMedia('(min-width: 55rem)').matches);
  return (
    <>
      <h1>
        {listening.known === null ? 'What to hear next' : `What listener ${listening.known} may hear next`}
      </h1>
      <div class="listen">
        <aside>
          <WhoseList {...view} />
          <details class="knobs" open={isWide}>
            <summary>How the list is made</summary>
            <KnobsForm knobs={knobs} change={setKnobs} />
          </details>
        </aside>
        <TheList key={listening.known ?? ''} {...view} knobs={knobs} setKnobs={setKnobs} />
      </div>
    </>
  );
}

/** Rests of a slider that are worth a list. */
const PAUSE_MS = 150;

function TheList({
  knobs,
  setKnobs,
  ...view
}: View & { readonly knobs: Knobs; readonly setKnobs: (next: Knobs) => void }) {
  const { listening, setListening } = view;
  const settled = useSettled(knobs, PAUSE_MS);
  const { data, problem, isAsking, isAsked, again } = useList(listening, settled);
  const [busy, setBusy] = useState<{ readonly artistId: string; readonly feedback: Feedback } | null>(null);
  const [said, setSaid] = useState('');
  const [hidden, hide] = useHidden(listening.known ?? listening.own.id);

  async function say(feedback: Feedback, { artistId, name }: ListedArtist): Promise<void> {
    const { own, known } = listening;
    setBusy({ artistId, feedback });
    try {
      const about = { userId: known ?? own.id, artistId, exposureId: data?.exposureId ?? null };
      const sent = await sendFeedback(feedback, about, Date.now());
      setSaid(SAID[feedback](name));
      if (sent === 'refused') {
        hide(artistId);
        if (feedback !== 'dislike' && known === null) {
          setListening((now) => withArtist(now, { artistId, name }));
        }
        setSaid(`${SAID[feedback](name)} This service stores nothing from visitors: only this page knows.`);
      } else again();
    } catch (error) {
      const why = error instanceof ApiProblem ? error.message : String(error);
      setSaid(`That could not be stored. ${sentence(why)} Try again.`);
    } finally {
      setBusy(null);
    }
  }

  const shown = data?.recommendations.filter(({ artistId }) => !hidden.has(artistId)) ?? [];
  return (
    <section aria-label="The list" aria-busy={isAsking}>
      <p class="said" role="status">
        {said}
      </p>
      {!isAsked ? (
        <Beginning {...view} />
      ) : problem !== undefined && data === undefined ? (
        <Failed what="The list" problem={problem} again={again} />
      ) : data === undefined ? (
        <Loading rows={8} label="Making the list" />
      ) : (
        <>
          {problem === undefined ? null : <Failed what="The new list" problem={problem} again={again} />}
          {data.policy === 'popular' ? (
            <WhyPopular listening={listening} list={data} isAsking={isAsking} again={again} />
          ) : null}
          <ol class="list">
            {shown.map((artist) => (
              <ListedArtistItem
                key={artist.artistId}
                artist={artist}
                busy={busy?.artistId === artist.artistId ? busy.feedback : null}
                say={(feedback) => void say(feedback, artist)}
                onTag={(tag) => setKnobs({ ...knobs, tags: withTags(knobs.tags, tag) })}
              />
            ))}
          </ol>
          {shown.length === 0 ? (
            <Empty title="Nobody is left">
              <p>No artist fits what you ask for. Take a tag away, or name another artist.</p>
            </Empty>
          ) : null}
          <MadeBy list={data} />
        </>
      )}
    </section>
  );
}

const SAID = {
  like: (name: string) => `You like ${name}: more like it, and it leaves the list.`,
  dislike: (name: string) => `You do not like ${name}: it will not come again.`,
  play: (name: string) => `You have played ${name}: it counts as heard.`,
} as const satisfies Record<Feedback, (name: string) => string>;

const POLICIES = {
  personal: 'a personal list',
  'fold-in': 'made on the spot from the artists named',
  popular: 'the popular list',
  none: 'no list: there is no model yet',
} as const satisfies Record<List['policy'], string>;

/** Why somebody gets what everybody gets, and what to do about it. */
function WhyPopular({
  listening: { own, known },
  list: { unresolved },
  isAsking,
  again,
}: {
  readonly listening: View['listening'];
  readonly list: List;
  readonly isAsking: boolean;
  readonly again: () => void;
}) {
  const isNobodyFound = known === null && unresolved?.length === own.artists.length + own.imported.length;
  return (
    <div class="state why-popular">
      <p>
        {isNobodyFound
          ? 'None of your artists is in the catalogue, so this is the list for everybody. Name one that is.'
          : known === null
            ? 'This is the list for everybody: what knows who listens to what is still being loaded.'
            : `This is the list for everybody: nothing is known of listener ${known}, or it could not be read just now.`}
      </p>
      {isNobodyFound ? null : (
        <button type="button" class="outline secondary" disabled={isAsking} onClick={again}>
          Look again
        </button>
      )}
    </div>
  );
}

/** What made the list, small. */
function MadeBy({ list }: { readonly list: List }) {
  const { policy, experiment, variant, modelVersion, exposureId, unresolved = [] } = list;
  const names = unresolved.flatMap(({ name, id }) => name ?? id ?? []);
  return (
    <footer class="muted made-by">
      {names.length === 0 ? null : (
        <details>
          <summary>{count(names.length)} of your artists are not in the catalogue</summary>
          <p>
            {names.slice(0, 100).join(', ')}
            {names.length > 100 ? ' …' : ''}
          </p>
        </details>
      )}
      <p>
        {POLICIES[policy]} ·{' '}
        {experiment === null ? 'in no experiment' : `experiment ${experiment}, variant ${variant ?? '–'}`} ·
        model {modelVersion ?? 'none'} ·{' '}
        {exposureId === null ? 'not logged' : `exposure ${exposureId.slice(0, 8)}`}
      </p>
    </footer>
  );
}

/** What there is before anything is known of somebody: artists that many know, to begin with. */
function Beginning({ listening, setListening }: View) {
  const { data, problem, again } = useAnswer('GET /artists/popular', { query: { n: 12 } });
  if (problem !== undefined) return <Failed what="The artists" problem={problem} again={again} />;
  return (
    <>
      <p>Name a few artists that you like, or begin with some that many know:</p>
      {data === undefined ? (
        <Loading rows={3} label="Loading artists" />
      ) : (
        <ul class="beginning">
          {data.artists.map(({ artistId, name, listeners }) => (
            <li key={artistId}>
              <button
                type="button"
                class="outline"
                onClick={() => setListening(withArtist(listening, { artistId, name }))}
              >
                <Avatar name={name} size={36} />
                <span>
                  {name} <small class="muted">{counted(listeners, 'listener')}</small>
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
