package dev.lorikeet.judge;

import java.util.List;
import java.util.Optional;

/** A model whose replies are kept: the same conversation is not asked twice. */
public final class CachedChatModel implements ChatModel {
  private final ChatModel model;
  private final ReplyCache cache;

  /** {@code cache} stays its owner's to close. */
  public CachedChatModel(ChatModel model, ReplyCache cache) {
    this.model = model;
    this.cache = cache;
  }

  @Override
  public String identity() {
    return model.identity();
  }

  @Override
  public String reply(List<ChatMessage> conversation) {
    String key = ReplyCache.key(model.identity(), conversation);
    Optional<String> kept = cache.find(key);
    if (kept.isPresent()) {
      return kept.get();
    }
    String reply = model.reply(conversation);
    cache.put(key, model.identity(), reply);
    return reply;
  }
}
