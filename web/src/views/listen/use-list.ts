import { useAnswer, type Asked } from '../../api/use-answer.ts';
import type { Answer } from '../../api/client.ts';
import type { Listening } from '../../listener.ts';
import { listRequestOf, type Knobs } from './ask-list.ts';

/** A list, whoever it is for. */
export type List = Pick<
  Answer<'POST /recommendations'>,
  'modelVersion' | 'policy' | 'experiment' | 'variant' | 'exposureId' | 'recommendations'
> & { readonly unresolved?: Answer<'POST /recommendations'>['unresolved'] };

export type ListedArtist = List['recommendations'][number];

/** The list of whom lists are for; nothing is asked where nothing is known of them. */
export function useList(listening: Listening, knobs: Knobs): Asked<List> & { readonly isAsked: boolean } {
  const asked = listRequestOf(listening, knobs);
  const known = useAnswer(
    'GET /users/{userId}/recommendations',
    asked?.route === 'GET /users/{userId}/recommendations' ? asked.request : null,
  );
  const own = useAnswer(
    'POST /recommendations',
    asked?.route === 'POST /recommendations' ? asked.request : null,
  );
  const { data, ...rest } = asked?.route === 'GET /users/{userId}/recommendations' ? known : own;
  return { ...rest, data: asked === null ? undefined : data, isAsked: asked !== null };
}
