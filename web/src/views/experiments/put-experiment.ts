import { useState } from 'preact/hooks';
import { ApiProblem, call } from '../../api/client.ts';
import { refusalOf, type Change, type Experiment, type Refusal } from './experiment-form.ts';

/** A change that may be under way, and why the last one was refused. */
export interface Putting {
  readonly isSending: boolean;
  readonly refusal: Refusal | null;
  /** @returns The experiment as it is then, `null` where it was refused. */
  readonly put: (key: string, change: Change) => Promise<Experiment | null>;
  readonly forget: () => void;
}

export function usePutExperiment(): Putting {
  const [isSending, setSending] = useState(false);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  async function put(key: string, change: Change): Promise<Experiment | null> {
    setSending(true);
    setRefusal(null);
    try {
      const { experiment } = await call('PUT /experiments/{key}', { params: { key }, body: change });
      return experiment;
    } catch (error) {
      setRefusal(
        refusalOf(error instanceof ApiProblem ? error : { status: 0, field: null, message: String(error) }),
      );
      return null;
    } finally {
      setSending(false);
    }
  }
  return { isSending, refusal, put, forget: () => setRefusal(null) };
}
