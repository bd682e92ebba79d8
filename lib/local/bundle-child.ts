/** The process that `invoke-bundle.ts` starts for one invocation: it has a Lambda's environment and nothing else. */
import type { Context } from 'aws-lambda';
import type { BundleAnswer, BundleInvocation } from './invoke-bundle.ts';

type Handler = (event: unknown, context: Context) => Promise<unknown>;

process.once('message', (invocation: BundleInvocation) => {
  void answer(invocation).then((said) => process.send!(said, () => process.exit()));
});

async function answer({ handlerUrl, event, timeoutMs }: BundleInvocation): Promise<BundleAnswer> {
  try {
    // A cold start: what the module does before it exports its handler counts for the invocation.
    const { handler }: { readonly handler: Handler } = await import(handlerUrl);
    return { failed: false, result: (await handler(event, contextOf(timeoutMs))) ?? null };
  } catch (error) {
    const { name, message, stack = '' } = error instanceof Error ? error : new Error(String(error));
    // As the runtime reports it.
    return {
      failed: true,
      result: { errorType: name, errorMessage: message, trace: stack.split('\n') },
    };
  }
}

function contextOf(timeoutMs: number): Context {
  const functionName = process.env['AWS_LAMBDA_FUNCTION_NAME']!;
  const endsAt = Date.now() + timeoutMs;
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName,
    functionVersion: process.env['AWS_LAMBDA_FUNCTION_VERSION']!,
    invokedFunctionArn: `arn:aws:lambda:${process.env['AWS_REGION']}:000000000000:function:${functionName}`,
    memoryLimitInMB: process.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']!,
    // Always the same: only one process can open the local stores, so a lease found there is one that died.
    awsRequestId: 'local',
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: 'local',
    getRemainingTimeInMillis: () => Math.max(0, endsAt - Date.now()),
    done: () => undefined,
    fail: () => undefined,
    succeed: () => undefined,
  };
}
