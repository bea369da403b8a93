FROM node:26-bookworm-slim
COPY ryuk.ts /
EXPOSE 8080
LABEL org.testcontainers.ryuk=true
ENTRYPOINT ["node", "/ryuk.ts"]
