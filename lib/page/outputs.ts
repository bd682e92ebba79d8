import { z } from 'zod';

const outputs = z.object({
  /** Where people find the page. */
  PageUrl: z.url(),
  /** CloudFront's own name of it: what a domain of one's own has to point to. */
  PageDistribution: z.string(),
  PageBucket: z.string(),
  PageRegion: z.string(),
  /** `config.json` of the page. */
  PageConfig: z.string(),
});

/** What the page's stack says of itself once it is deployed: all that whoever brings the files has to know. */
export type PageOutputs = z.output<typeof outputs>;

const file = z.record(z.string(), z.record(z.string(), z.unknown()));

/**
 * Finds them in what `cdk deploy --outputs-file` has written.
 *
 * @returns `null` where no stack of the deployment is a page's.
 * @throws Error where it is no such file.
 */
export function readPageOutputs(text: string): PageOutputs | null {
  const stacks = file.parse(JSON.parse(text));
  const page = Object.entries(stacks).find(([name]) => /^encore-[a-z]+-page$/.test(name));
  return page === undefined ? null : outputs.parse(page[1]);
}
