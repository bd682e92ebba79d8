/** As the SDK knows them; it signs with them until the process ends. */
interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/**
 * Stands in for `@aws-sdk/credential-provider-node` in a function's bundle: the role's credentials are in the environment of every
 * Lambda process and stay valid as long as it lives. What else the SDK would try (profiles, single sign-on, web identity,
 * containers, instance metadata) brings three more clients along and can find nothing there.
 *
 * @returns What the SDK calls once per client.
 */
export function defaultProvider(): () => Promise<Credentials> {
  return () => {
    const {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
    } = process.env;
    if (accessKeyId === undefined || secretAccessKey === undefined) {
      const error = new Error('AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set');
      error.name = 'CredentialsProviderError';
      return Promise.reject(error);
    }
    return Promise.resolve({
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
    });
  };
}
