// Preloaded: on a Node that cannot run TypeScript it says so, instead of a syntax error nobody understands.
const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 24) {
  process.stderr.write(
    `Entrepot runs on Node 24, and this is ${process.version}.\n` +
      'npm install brings Node 24 along on Linux and on Apple silicon; elsewhere please install it from nodejs.org.\n',
  );
  process.exit(1);
}
