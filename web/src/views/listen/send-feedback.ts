import { ApiProblem, call } from '../../api/client.ts';

/** What a listener says of an artist on the list. */
export type Feedback = 'like' | 'dislike' | 'play';

/** What became of it: `refused` where this service takes nothing from pages. */
export type Sent = 'stored' | 'refused';

/**
 * Tells the service what a listener did.
 *
 * @throws ApiProblem where it could not be stored now.
 */
export async function sendFeedback(
  type: Feedback,
  about: { readonly userId: string; readonly artistId: string; readonly exposureId: string | null },
  nowMs: number,
): Promise<Sent> {
  const { exposureId, ...rest } = about;
  const event = { ...rest, type, at: nowMs, ...(exposureId === null ? {} : { exposureId }) };
  try {
    const { results } = await call('POST /events', { body: { events: [event] } });
    const [result] = results;
    if (result?.status === 'refused') {
      const { field = null, detail = 'it was refused' } = result;
      const why = field === 'at' ? 'the clock of this device is wrong: set it right' : detail;
      throw new ApiProblem(400, 'INVALID_REQUEST', why, { field });
    }
    return 'stored';
  } catch (error) {
    if (error instanceof ApiProblem && (error.status === 401 || error.status === 403)) return 'refused';
    throw error;
  }
}
