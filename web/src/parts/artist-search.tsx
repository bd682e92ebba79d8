import { useCombobox } from 'downshift';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Answer } from '../api/client.ts';
import { useAnswer } from '../api/use-answer.ts';
import { Avatar } from './avatar.tsx';
import { counted } from './format.ts';
import { useSettled } from './use-settled.ts';

export type FoundArtist = Answer<'GET /artists'>['artists'][number];

/** Pauses in typing that are worth a question. */
const PAUSE_MS = 120;
const SUGGESTIONS = 8;
/** Characters, as many as the API takes. */
const LONGEST = 200;

/**
 * A text field that finds artists of the catalogue while one types, forgiving of accents and slips: a combobox with a list
 * below it (ARIA 1.2), for keyboards and screen readers too.
 */
export function ArtistSearch({
  label,
  placeholder = 'Type a name',
  onChoose,
}: {
  readonly label: string;
  readonly placeholder?: string;
  /** Told of the artist that was chosen; the field is empty again then. */
  readonly onChoose: (artist: FoundArtist) => void;
}) {
  const id = useId();
  // Kept by the combobox itself: told of each key after the next one, we would put back what was typed before.
  const [found, setFound] = useState<readonly FoundArtist[]>([]);
  /** What was found is the answer to this. */
  const answered = useRef('');
  const combobox = useCombobox<FoundArtist>({
    id,
    items: [...found],
    selectedItem: null,
    itemToString: (artist) => artist?.name ?? '',
    defaultHighlightedIndex: 0,
    // The field is for the next name as soon as one is chosen, and keeps what is typed where none is.
    stateReducer: (state, { type, changes }) => {
      const { inputValue } = state;
      if (type === useCombobox.stateChangeTypes.InputChange) return changes;
      // Somebody who types fast means the first of what is not there yet, and not of what is.
      const isTooEarly = answered.current !== inputValue.trim();
      if (type === useCombobox.stateChangeTypes.InputKeyDownEnter && isTooEarly) return state;
      return { ...changes, inputValue: (changes.selectedItem ?? null) === null ? inputValue : '' };
    },
    onSelectedItemChange: ({ selectedItem }) => {
      if (selectedItem !== null) onChoose(selectedItem);
    },
  });
  const query = useSettled(combobox.inputValue.trim(), PAUSE_MS);
  const { data, problem, isAsking } = useAnswer(
    'GET /artists',
    query === '' ? null : { query: { query, n: SUGGESTIONS } },
  );
  // While somebody types on, what was found for less of the name stays to be seen: the list does not flicker.
  const isOfThis = data !== undefined && problem === undefined && query.startsWith(data.query);
  useEffect(() => {
    setFound(query !== '' && isOfThis ? data.artists : []);
    answered.current = isOfThis ? data.query : '';
  }, [query, data, isOfThis]);
  const isOpen = combobox.isOpen && query !== '';
  return (
    <div class="search">
      <label {...combobox.getLabelProps()}>{label}</label>
      <input
        {...combobox.getInputProps({
          type: 'search',
          placeholder,
          maxLength: LONGEST,
          autoComplete: 'off',
          spellcheck: false,
        })}
        aria-busy={undefined}
      />
      <ul {...combobox.getMenuProps({ class: 'search-menu' })} hidden={!isOpen}>
        {isOpen
          ? found.map((artist, index) => (
              <li
                key={artist.artistId}
                {...combobox.getItemProps({ item: artist, index })}
                class={index === combobox.highlightedIndex ? 'highlighted' : undefined}
              >
                <Avatar name={artist.name} size={32} />
                <span>{artist.name}</span>
                <small class="muted">{counted(artist.listeners, 'listener')}</small>
              </li>
            ))
          : null}
        {isOpen && found.length === 0 ? (
          <li class="muted" role="presentation">
            {problem === undefined
              ? isAsking || data?.query !== query
                ? 'Searching…'
                : `Nobody in the catalogue is called “${query}”`
              : 'The catalogue does not answer'}
          </li>
        ) : null}
      </ul>
    </div>
  );
}
