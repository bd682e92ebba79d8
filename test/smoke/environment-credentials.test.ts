import { afterEach, describe, expect, it, vi } from 'vitest';
import { defaultProvider } from '../../lib/build/environment-credentials.ts';

afterEach(() => vi.unstubAllEnvs());

describe('the credentials of a deployed function', () => {
  it('are those of the environment, session token included', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'id');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    vi.stubEnv('AWS_SESSION_TOKEN', 'token');
    expect(await defaultProvider()()).toEqual({
      accessKeyId: 'id',
      secretAccessKey: 'secret',
      sessionToken: 'token',
    });
    vi.stubEnv('AWS_SESSION_TOKEN', undefined);
    expect(await defaultProvider()()).toEqual({ accessKeyId: 'id', secretAccessKey: 'secret' });
  });

  it('are missed by name where the environment has none', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'id');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined);
    await expect(defaultProvider()()).rejects.toMatchObject({
      name: 'CredentialsProviderError',
      message: 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set',
    });
  });
});
