# Entrepot on one machine: console, API, sockets, bucket, table and functions in one process, all it keeps under /data.
# docs/self-hosting.md says how to run it.

# On the machine that builds, whichever the image is for: packages and page are the same everywhere.
FROM --platform=$BUILDPLATFORM node:24.21.0-bookworm-slim AS build
WORKDIR /app

FROM build AS modules
COPY package.json package-lock.json ./
# Optional dependencies would bring another Node. `npm ci` would want the packages of all platforms (decision 0006).
RUN npm install --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM build AS page
COPY package.json package-lock.json tsconfig.json ./
RUN npm install --ignore-scripts --no-audit --no-fund
COPY core/wire core/wire
COPY web web
RUN npx vite build web

FROM node:24.21.0-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production
# A heap for each thread costs 20 MiB and gains nothing: one thread does the work.
ENV MALLOC_ARENA_MAX=2
ENV HOST=0.0.0.0
ENV ENTREPOT_DATA=/data
# Standard output ends in a log: the token is in /data/token.
ENV ENTREPOT_READY_LINE=address
# A named volume takes over owner and mode of the folder that it covers.
RUN install -d -o 1000 -g 1000 -m 0700 /data /keys
COPY --from=modules /app/node_modules node_modules
COPY package.json LICENSE ./
COPY proto proto
COPY core core
COPY clients clients
COPY adapters adapters
COPY providers providers
COPY functions functions
COPY relay relay
COPY local local
COPY cli cli
COPY --from=page /app/web/dist web/dist
USER 1000:1000
VOLUME /data
EXPOSE 8000 8001
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "relay/probe.mjs", "8000"]
CMD ["node", "--max-semi-space-size=1", "local/main.ts"]
