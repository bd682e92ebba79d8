import type { Answer, ApiProblem } from '../../api/client.ts';
import { count, sentence } from '../../parts/format.ts';

/** What is answered once a version is served. */
export type Switched = Answer<'POST /models/{version}/activate'>;

/** Why nobody may switch versions from this page; `null` where those who run the service may. */
export function lockOf(auth: string): string | null {
  return auth === 'demo'
    ? 'This is a demonstration: versions can be looked at here, but not switched.'
    : null;
}

/** What a switch has done. */
export function whatIsDone({ version, pinned, candidatesWritten }: Switched): string {
  const kept = pinned
    ? 'It stays until somebody switches: later trainings publish their versions without serving them.'
    : 'The next training serves its own version.';
  const written =
    candidatesWritten === 0
      ? ''
      : ` The candidates of ${count(candidatesWritten)} listeners were stored again.`;
  return `${version} is served; lists follow within 5 seconds. ${kept}${written}`;
}

/** Why a switch was refused, or whether it is known to have failed. */
export function refusalOf({ status, message }: Pick<ApiProblem, 'status' | 'message'>): string {
  switch (status) {
    case 0:
      return 'The service did not answer, so nobody knows whether the version was switched. Look at the list again before you retry.';
    case 401:
      return 'You are not signed in, or no longer. Nothing was changed.';
    case 403:
      return 'Only those who run the service may switch versions, and you are not signed in as one of them. Nothing was changed.';
    case 404:
      return 'This version is not there any more: old ones are deleted in time. Nothing was changed.';
    case 409:
      return `Nothing was changed. ${sentence(message)}`;
    case 503:
      return `The service could not finish it. ${sentence(message)} It is safe to try again.`;
    default:
      return `It was refused. ${sentence(message)}`;
  }
}
