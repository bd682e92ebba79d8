import useSWR, { type SWRConfiguration } from 'swr';
import { call, mayPass, type Answer, type ApiProblem, type Request, type RouteKey } from './client.ts';

/** What is known of an answer by now: its data may be of an earlier request while the next is under way. */
export interface Asked<Data> {
  readonly data: Data | undefined;
  readonly problem: ApiProblem | undefined;
  /** Whether a request is under way. */
  readonly isAsking: boolean;
  /** Asks again. */
  readonly again: () => void;
}

const OPTIONS: SWRConfiguration = {
  // A list that is asked for is a list that was shown: nothing is fetched behind the listener's back.
  revalidateOnFocus: false,
  revalidateOnReconnect: false,
  keepPreviousData: true,
};

/**
 * Asks the API while a component is shown, again whenever the request changes.
 *
 * @param request - `null` asks nothing.
 * @param options.everyMs - Asks again after so long.
 */
export function useAnswer<Route extends RouteKey>(
  route: Route,
  request: Request<Route> | null,
  { everyMs = 0 }: { readonly everyMs?: number } = {},
): Asked<Answer<Route>> {
  const { data, error, isValidating, mutate } = useSWR<Answer<Route>, ApiProblem>(
    request === null ? null : [route, request],
    () => call(route, request!),
    {
      ...OPTIONS,
      refreshInterval: everyMs,
      // One failure does not end what is asked again and again anyway.
      shouldRetryOnError: (failure: ApiProblem) => everyMs > 0 && mayPass(failure),
      onErrorRetry: (_error, _key, _config, revalidate, { retryCount }) => {
        setTimeout(() => void revalidate({ retryCount }), everyMs);
      },
    },
  );
  return { data, problem: error, isAsking: isValidating, again: () => void mutate() };
}
