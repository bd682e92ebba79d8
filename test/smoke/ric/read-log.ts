/** What the log of a function holds. */
export interface FunctionLog {
  /** Lines that the function wrote, those of metrics left out. */
  readonly nLines: number;
  /** Records of metrics, in CloudWatch's embedded format. */
  readonly nRecords: number;
  /** The first line of the function's that is no JSON or names no trace, or that there is none; `null` where nothing is wrong. */
  readonly fault: string | null;
}

/**
 * Reads what a function wrote behind the runtime interface client, whose own lines are passed over.
 *
 * CloudWatch reads neither fields nor metrics from a line that is not JSON from its start, and the client puts time and request in front of
 * whatever goes through `console`.
 */
export function readLog(text: string): FunctionLog {
  // On every line and every record of the function's, and on none of the client's.
  const lines = text.split('\n').filter((line) => line.includes('"service":"'));
  const nRecords = lines.filter((line) => line.includes('"_aws":')).length;
  const wrong = lines.find((line) => !hasTrace(line));
  const fault =
    wrong === undefined ? (lines.length === 0 ? 'wrote nothing' : null) : `cannot be used: ${wrong}`;
  return { nLines: lines.length - nRecords, nRecords, fault };
}

function hasTrace(line: string): boolean {
  try {
    const record: unknown = JSON.parse(line);
    return typeof record === 'object' && record !== null && 'xray_trace_id' in record;
  } catch {
    return false;
  }
}
