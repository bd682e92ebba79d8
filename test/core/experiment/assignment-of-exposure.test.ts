import { describe, expect, it } from 'vitest';
import { assignmentOfExposure } from '../../../layers/core/src/experiment/assignment-of-exposure.ts';
import { assignVariant, DEFAULT_EXPERIMENT } from '../../../layers/core/src/experiment/assign-variant.ts';
import { exposure, trees } from './log.ts';

/** Shares that no decimal ends. */
const revisions = [1, 2, 3].map((revision) => ({
  ...trees,
  revision,
  coverage: revision / 3,
  seed: `s${revision}`,
}));

const logged = (userId: string, revision: number) => {
  const assignment = assignVariant(revisions[revision - 1]!, userId)!;
  return exposure(userId, assignment.variant, { revision, propensity: assignment.propensity });
};

/** The first listener whom revision 1, of a third of the listeners, assigns or leaves out. */
const listener = (assigned: boolean): string => {
  for (let i = 0; ; i++) if ((assignVariant(revisions[0]!, `u${i}`) !== null) === assigned) return `u${i}`;
};

describe('assignmentOfExposure', () => {
  it('reproduces what a revision gave, also from a log that keeps 15 digits', () => {
    const shown = logged(listener(true), 1);
    expect(assignmentOfExposure(shown, revisions)).toBe('reproduced');
    const rounded = { ...shown, propensity: Number(shown.propensity.toPrecision(15)) };
    expect(assignmentOfExposure(rounded, revisions)).toBe('reproduced');
  });

  it('sees another variant, another propensity and a listener who had none', () => {
    const shown = logged(listener(true), 1);
    const other = shown.variant === 'control' ? 'treatment' : 'control';
    expect(assignmentOfExposure({ ...shown, variant: other }, revisions)).toBe('differs');
    expect(assignmentOfExposure({ ...shown, propensity: 0.5 }, revisions)).toBe('differs');
    expect(assignmentOfExposure({ ...shown, userId: listener(false) }, revisions)).toBe('differs');
  });

  it('assigns by the revision that the exposure names', () => {
    const third = Array.from({ length: 50 }, (_, i) => logged(`u${i}`, 3));
    expect(third.every((shown) => assignmentOfExposure(shown, revisions) === 'reproduced')).toBe(true);
    expect(assignmentOfExposure({ ...third[0]!, revision: 9 }, revisions)).toBe('unknown');
  });

  it('knows the built-in experiment without being given it', () => {
    const { variant, propensity } = assignVariant(DEFAULT_EXPERIMENT, '51')!;
    const shown = exposure('51', variant, { experiment: 'ranker', revision: 1, propensity });
    expect(assignmentOfExposure(shown, [])).toBe('reproduced');
  });

  it('says where there is nothing to reproduce', () => {
    const shown = logged(listener(true), 1);
    expect(assignmentOfExposure({ ...shown, forced: true }, revisions)).toBe('forced');
    const none = { ...shown, experiment: null, revision: null, variant: null };
    expect(assignmentOfExposure(none, revisions)).toBe('none');
  });
});
