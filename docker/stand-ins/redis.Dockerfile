FROM shadowfleet-stand-in/base
COPY . /
RUN ldconfig && groupadd --system --gid 999 redis && useradd --system --uid 999 --gid redis redis && \
    mkdir /data && chown redis:redis /data && ln -sf redis-server /usr/bin/redis-sentinel
WORKDIR /data
VOLUME /data
EXPOSE 6379
ENTRYPOINT ["redis-entrypoint.sh"]
CMD ["redis-server"]
