const { compilerOptions } = require('./tsconfig.json');
const forJupyterLab = require('@jupyterlab/testing/lib/jest-config');

// These are published as ES modules only, which Jest doesn't load as they are.
const esModules = [
  '@codemirror',
  '@jupyter',
  '@jupyterlab',
  '@lezer',
  '@marijn',
  '@microsoft',
  '@testing-library/user-event',
  'exenv-es6',
  'lib0',
  'nanoid',
  'nbdime',
  'vscode-ws-jsonrpc',
  'y-protocols',
  'y-websocket',
  'yjs'
].join('|');

// tsc checks the types; here they are only taken off.
const typescript = {
  tsconfig: {
    ...compilerOptions,
    composite: false,
    declaration: false,
    incremental: false,
    isolatedModules: true,
    module: 'commonjs'
  }
};

module.exports = {
  ...forJupyterLab(__dirname),
  reporters: ['default'],
  testRegex: 'src/.*\\.spec\\.tsx?$',
  // Folders of this extension only: a clone may well lie below a folder called lib.
  roots: ['<rootDir>/src'],
  testPathIgnorePatterns: [],
  transform: {
    '\\.svg$': '@jupyterlab/testing/lib/jest-raw-loader.js',
    '\\.tsx?$': ['ts-jest', typescript],
    '\\.m?jsx?$': [
      'babel-jest',
      {
        babelrc: false,
        configFile: false,
        presets: [['@babel/preset-env', { targets: { node: 'current' } }]]
      }
    ]
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esModules})/)`]
};
