import { describe, expect, it } from 'vitest';
import { listContracts } from '../../functions/recommend/contract.ts';
import { importHistory } from '../../web/src/views/import/import-history.ts';
import { withImport } from '../../web/src/views/import/with-import.ts';
import { listRequestOf, PLAIN, withTags } from '../../web/src/views/listen/ask-list.ts';
import type { Listening } from '../../web/src/listener.ts';

const NOBODY: Listening = { own: { id: 'page-1', artists: [], imported: [] }, known: null };

describe('what is asked of the API', () => {
  it('is nothing where nothing is known', () => {
    expect(listRequestOf(NOBODY, PLAIN)).toBeNull();
  });

  it('is taken by it whatever an import has brought', async () => {
    const rows = [
      'artist,plays',
      `${'long '.repeat(99)}name,7`,
      // Together more than the API takes of one artist.
      ...Array.from({ length: 150 }, () => 'Radiohead,10000000'),
      ...Array.from({ length: 600 }, (_, i) => `Artist ${i},${i + 1}`),
    ];
    const file = new File([rows.join('\n')], 'plays.csv');
    const outcome = await importHistory({ files: [file], listener: null, nowMs: 0 });
    if (outcome.kind !== 'history') throw new Error(outcome.kind);
    const { artists, report } = outcome.history;
    expect(report.skipped).toEqual([]);
    expect(artists[0]!.plays).toBeGreaterThan(1e9);
    const asked = listRequestOf(withImport(NOBODY, artists), PLAIN);
    if (asked?.route !== 'POST /recommendations') throw new Error('it is no list by artists');
    const body = listContracts['POST /recommendations'].body.parse(asked.request.body);
    expect(body.artists).toHaveLength(500);
    expect(body.artists[0]).toEqual({ name: 'Radiohead', plays: 1e9 });
  });

  it('has no more tags, and none longer, than the API takes', () => {
    const typed = [...Array.from({ length: 30 }, (_, i) => `tag ${i}`), 'x'.repeat(101)].join(',');
    const asked = listRequestOf({ ...NOBODY, known: '2' }, { ...PLAIN, tags: withTags([], typed) });
    if (asked?.route !== 'GET /users/{userId}/recommendations') throw new Error('it is of nobody known');
    const { tags } = listContracts[asked.route].query.parse({
      ...asked.request.query,
      n: '20',
      explain: 'true',
      details: 'true',
      diversity: '0',
      debias: '0',
    });
    expect(tags).toHaveLength(20);
  });
});
