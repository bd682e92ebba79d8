import { describe, expect, it } from 'vitest';
import { readLog } from './read-log.ts';

const LINE = '{"level":"INFO","message":"ready","service":"train","xray_trace_id":"1-0-1"}';
const RECORD = '{"_aws":{"Timestamp":0,"CloudWatchMetrics":[]},"service":"train","xray_trace_id":"1-0-1"}';
const CLIENT = '2026-11-24T03:00:00.000Z\t1-0-1\tERROR\tInvoke Error \t{"errorType":"EncoreError"}';

describe('the log of a function behind the runtime client', () => {
  it('is counted by lines and records, those of the client left out', () => {
    expect(readLog([LINE, CLIENT, RECORD, LINE, ''].join('\n'))).toEqual({
      nLines: 2,
      nRecords: 1,
      fault: null,
    });
  });

  it('is at fault with the first line that went through the console of the client', () => {
    const prefixed = `2026-11-24T03:00:00.000Z\t1-0-1\tINFO\t${RECORD}`;
    expect(readLog([LINE, prefixed].join('\n')).fault).toBe(`cannot be used: ${prefixed}`);
  });

  it('is at fault with a line that names no trace', () => {
    const untraced = '{"level":"INFO","message":"ready","service":"train"}';
    expect(readLog([LINE, untraced].join('\n')).fault).toBe(`cannot be used: ${untraced}`);
  });

  it('is at fault without a line of the function', () => {
    expect(readLog(CLIENT).fault).toBe('wrote nothing');
  });
});
