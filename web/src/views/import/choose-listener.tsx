import { useState } from 'preact/hooks';
import { count } from '../../parts/format.ts';
import type { Whose } from './import-history.ts';

/** Asks who of the people in the files is the one who sits there. */
export function ChooseListener({
  whose,
  choose,
  reset,
}: {
  readonly whose: Whose;
  readonly choose: (name: string) => void;
  readonly reset: () => void;
}) {
  const { names, nListeners, unknown } = whose;
  const [name, setName] = useState(names[0]?.name ?? '');
  const isListed = nListeners > 0 && nListeners === names.length;
  return (
    <form
      class="state import-box"
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim() !== '') choose(name);
      }}
    >
      <h2>Which one are you?</h2>
      <p>
        {nListeners === 0
          ? 'These files have the listening of several people.'
          : `These files have the listening of ${count(nListeners)} people.`}
        {unknown === null ? null : (
          <>
            {' '}
            <strong role="alert">
              Nobody in them is called “<bdi>{unknown}</bdi>”.
            </strong>
          </>
        )}
      </p>
      <label class="import-name">
        Your name in these files
        {isListed ? (
          <select value={name} onChange={(event) => setName(event.currentTarget.value)}>
            {names.map((one) => (
              <option key={one.name} value={one.name}>
                {`${one.name} (${count(one.plays)} plays)`}
              </option>
            ))}
          </select>
        ) : (
          <input
            type="text"
            required
            autocomplete="off"
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        )}
      </label>
      <div class="import-actions">
        <button type="submit">Read my listening</button>
        <button type="button" class="secondary" onClick={reset}>
          Choose other files
        </button>
      </div>
    </form>
  );
}
